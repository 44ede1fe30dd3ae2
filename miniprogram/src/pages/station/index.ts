/** One station: hours, sessions, signing up, the way there. */

import { newKey } from '../../sdk/client'
import type { SessionBrief, Station, StationHours } from '../../sdk/client'
import { ApiProblem } from '../../sdk/problem'
import { api, failureOf } from '../../utils/api'
import type { Failure } from '../../utils/api'
import { feeText, hoursText, momentText, seatsText } from '../../utils/format'
import { isBig, keepCode } from '../../utils/kept'

interface Row {
  id: number
  title: string
  when: string
  more: string
  isFull: boolean
}

interface Shown {
  code: string
  name: string
  address: string
  phone: string
  latitude: number
  longitude: number
}

let submission = ''

Component({
  properties: { code: { type: String, value: '' } },
  data: {
    big: false,
    busy: false,
    failure: null as Failure | null,
    station: null as Shown | null,
    state: '',
    days: [] as { date: string; text: string }[],
    sessions: [] as Row[],
    notice: '',
    wanted: null as Row | null,
    phone: '',
    problem: '',
    sending: false,
    done: '',
  },
  lifetimes: {
    attached() {
      this.setData({ big: isBig() })
      if (this.data.code) this.load()
    },
  },
  methods: {
    onLoad(options: { code?: string }) {
      this.setData({ code: options.code || '' })
      this.load()
    },
    async load() {
      const { code } = this.data
      this.setData({ busy: true, failure: null })
      try {
        const [station, hours, sessions] = await Promise.all([
          api().station(code),
          api().hours(code),
          api().sessions({ station: code, limit: 20 }),
        ])
        this.setData({
          busy: false,
          station: shownOf(station),
          state: hoursText(hours.now.state, hours.now.until),
          days: hours.days.map(dayOf),
          sessions: sessions.sessions.map((one) => rowOf(one)),
          notice: station.data_notice ? station.data_notice.message : '',
        })
      } catch (fault) {
        const failure = failureOf(fault)
        if (failure) this.setData({ busy: false, failure })
      }
    },
    onCall() {
      const { station } = this.data
      if (station) wx.makePhoneCall({ phoneNumber: station.phone })
    },
    onNavigate() {
      const { station } = this.data
      if (!station) return
      const { latitude, longitude, name, address } = station
      wx.openLocation({ latitude, longitude, name, address })
    },
    onSignUp(event: WechatMiniprogram.TouchEvent) {
      const { id } = event.currentTarget.dataset as { id: number }
      submission = newKey()
      this.setData({ wanted: this.data.sessions.find((one) => one.id === id) || null, problem: '', done: '' })
    },
    onPhone(event: WechatMiniprogram.Input) {
      this.setData({ phone: event.detail.value })
    },
    async onSend() {
      const { wanted, phone } = this.data
      if (!wanted) return
      this.setData({ sending: true, problem: '' })
      try {
        const made = await api().signUp(wanted.id, { phone, waiting: wanted.isFull }, submission)
        keepCode(made.code)
        const place = made.state === 'waiting' ? `已进入候补,第 ${made.position} 位。` : '已报名。'
        this.setData({ wanted: null, phone: '', sending: false, done: `${place}报名码 ${made.code},在“我的报名”里可以查看和取消。` })
        await this.load()
      } catch (fault) {
        submission = newKey() // what was refused is over; the next tap is another submission
        if (fault instanceof ApiProblem && fault.code === 'session_full') {
          this.setData({ wanted: { ...wanted, isFull: true }, sending: false, problem: '名额刚刚报满,可以进入候补。' })
          return
        }
        const failure = failureOf(fault)
        const problem = failure ? [failure.message, failure.remedy].filter(Boolean).join(' ') : ''
        this.setData({ sending: false, problem })
      }
    },
  },
})

function shownOf(station: Station): Shown {
  const record = station.record as unknown as { phone?: string | null }
  return {
    code: station.code,
    name: station.name,
    address: station.address || '',
    phone: record.phone || '',
    latitude: station.lat,
    longitude: station.lng,
  }
}

function dayOf(day: StationHours['days'][number]): { date: string; text: string } {
  const when = day.intervals.map((one) => `${one.begins}–${one.ends}`).join('、')
  const closed = day.state === 'unknown' ? '时间未知' : '不开放'
  const kind = day.kind === 'holiday' || day.kind === 'makeup_workday' ? `(${day.holiday_name || day.kind_title})` : ''
  return { date: day.date, text: `${day.date.slice(5)} ${kind}${when || closed}` }
}

function rowOf(one: SessionBrief): Row {
  return {
    id: one.id,
    title: one.title,
    when: momentText(one.starts_at),
    more: `${one.form_title} · ${feeText(one.fee_yuan, one.subsidised)} · ${seatsText(one.seats_left)}`,
    isFull: one.seats_left === 0,
  }
}
