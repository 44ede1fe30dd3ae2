/** Texts for people: minutes, distances, moments as clocks in Guangzhou show them. */

const WEEKDAYS = ['星期日', '星期一', '星期二', '星期三', '星期四', '星期五', '星期六']
const ZONE_MS = 8 * 3600 * 1000

export function minutesText(minutes: number): string {
  return `步行约 ${Math.max(1, Math.round(minutes))} 分钟`
}

export function distanceText(metres: number): string {
  return metres < 999.5 ? `${Math.max(1, Math.round(metres))} 米` : `${(metres / 1000).toFixed(1)} 公里`
}

/** 今天 19:00, 明天 09:00, 11月28日(星期六)14:00; whatever the zone of the phone. */
export function momentText(moment: string, now: Date = new Date()): string {
  const then = new Date(new Date(moment).getTime() + ZONE_MS)
  const today = new Date(now.getTime() + ZONE_MS)
  const days = Math.floor(then.getTime() / 86400000) - Math.floor(today.getTime() / 86400000)
  const clock = `${two(then.getUTCHours())}:${two(then.getUTCMinutes())}`
  if (days === 0) return `今天 ${clock}`
  if (days === 1) return `明天 ${clock}`
  if (days === -1) return `昨天 ${clock}`
  return `${then.getUTCMonth() + 1}月${then.getUTCDate()}日(${WEEKDAYS[then.getUTCDay()]})${clock}`
}

export function hoursText(state: string, until: string | null | undefined, now: Date = new Date()): string {
  if (state === 'open') return until ? `开放中,至${momentText(until, now)}` : '开放中'
  if (state === 'closed') return until ? `未开放,${momentText(until, now)}开放` : '未开放'
  return '开放时间未知,请先电话联系'
}

export function feeText(fee: number, subsidised: boolean): string {
  const said = fee === 0 ? '免费' : `${fee} 元`
  return subsidised ? `${said},可申领补贴` : said
}

export function seatsText(left: number | null): string {
  if (left === null) return '不限名额'
  return left > 0 ? `余 ${left} 个名额` : '已满,可候补'
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value)
}
