import { distanceText, feeText, hoursText, minutesText, momentText, seatsText } from '../src/utils/format'

const NOW = new Date('2026-11-25T04:00:00Z') // noon in Guangzhou

test('minutes and distances', () => {
  expect(minutesText(0.2)).toBe('步行约 1 分钟')
  expect(minutesText(7.5)).toBe('步行约 8 分钟')
  expect([distanceText(0), distanceText(412.4), distanceText(999.4), distanceText(999.6), distanceText(1640)]).toEqual(
    ['1 米', '412 米', '999 米', '1.0 公里', '1.6 公里'],
  )
})

test.each([
  ['2026-11-25T19:00:00+08:00', '今天 19:00'],
  ['2026-11-25T16:30:00Z', '明天 00:30'],
  ['2026-11-24T19:00:00+08:00', '昨天 19:00'],
  ['2026-11-28T14:05:00+08:00', '11月28日(星期六)14:05'],
  ['2027-01-01T09:00:00+08:00', '1月1日(星期五)09:00'],
])('%s is %s, whatever the zone of the phone', (moment, said) => {
  expect(momentText(moment, NOW)).toBe(said)
})

test('hours, fees, seats', () => {
  expect(hoursText('open', '2026-11-25T17:00:00+08:00', NOW)).toBe('开放中,至今天 17:00')
  expect(hoursText('open', null, NOW)).toBe('开放中')
  expect(hoursText('closed', '2026-11-26T09:00:00+08:00', NOW)).toBe('未开放,明天 09:00开放')
  expect(hoursText('unknown', null, NOW)).toContain('未知')
  expect([feeText(0, false), feeText(50, true)]).toEqual(['免费', '50 元,可申领补贴'])
  expect([seatsText(null), seatsText(3), seatsText(0)]).toEqual(['不限名额', '余 3 个名额', '已满,可候补'])
})
