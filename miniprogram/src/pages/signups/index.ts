/** My sign-ups, by the codes that this phone keeps. */

import type { SignUp } from '../../sdk/client'
import { api, failureOf } from '../../utils/api'
import type { Failure } from '../../utils/api'
import { momentText } from '../../utils/format'
import { forgetCode, isBig, keptCodes } from '../../utils/kept'

interface Row {
  code: string
  title: string
  station: string
  when: string
  state: string
  isOff: boolean
  canCancel: boolean
}

Component({
  data: { big: false, busy: false, failure: null as Failure | null, rows: [] as Row[] },
  lifetimes: {
    attached() {
      this.setData({ big: isBig() })
      this.load()
    },
  },
  pageLifetimes: {
    show() {
      this.load()
    },
  },
  methods: {
    async load() {
      const codes = keptCodes()
      if (!codes.length) {
        this.setData({ rows: [], busy: false, failure: null })
        return
      }
      this.setData({ busy: true, failure: null })
      try {
        const found = await api().lookUpSignUps(codes)
        found.unknown.forEach(forgetCode)
        this.setData({ busy: false, rows: found.sign_ups.map((one) => rowOf(one)) })
      } catch (fault) {
        const failure = failureOf(fault)
        if (failure) this.setData({ busy: false, failure })
      }
    },
    onCancel(event: WechatMiniprogram.TouchEvent) {
      const { code } = event.currentTarget.dataset as { code: string }
      wx.showModal({
        title: '取消报名',
        content: '取消后名额会给候补的人,确定吗?',
        success: (answer) => {
          if (answer.confirm) this.cancel(code)
        },
      })
    },
    async cancel(code: string) {
      this.setData({ busy: true, failure: null })
      try {
        await api().cancelSignUp(code)
        await this.load()
      } catch (fault) {
        const failure = failureOf(fault)
        if (failure) this.setData({ busy: false, failure })
      }
    },
    onForget(event: WechatMiniprogram.TouchEvent) {
      const { code } = event.currentTarget.dataset as { code: string }
      forgetCode(code)
      this.load()
    },
  },
})

function rowOf(one: SignUp, now: Date = new Date()): Row {
  const isOff = one.session.status === 'cancelled'
  const isOpen = one.state === 'confirmed' || one.state === 'waiting'
  const place = one.position ? `,第 ${one.position} 位` : ''
  return {
    code: one.code,
    title: one.session.title,
    station: one.session.station_name,
    when: momentText(one.session.starts_at, now),
    state: isOff ? '课程已取消' : `${one.state_title}${place}`,
    isOff,
    canCancel: isOpen && !isOff && new Date(one.session.starts_at) > now,
  }
}
