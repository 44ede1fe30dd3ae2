/** 一键查询: stations and courses by words, pinyin or initials, with suggestions while one types. */

import type { Call, Place, Search, Suggestions } from '../../sdk/client'
import { api, failureOf } from '../../utils/api'
import type { Failure } from '../../utils/api'
import { feeText, hoursText, minutesText, momentText } from '../../utils/format'
import { isBig } from '../../utils/kept'
import { whereAmI } from '../../utils/place'

const TYPING_PAUSE_MS = 250

let timer: ReturnType<typeof setTimeout> | null = null
let suggesting: Call<Suggestions> | null = null
let searching: Call<Search> | null = null

Component({
  data: {
    big: false,
    q: '',
    place: null as Place | null,
    suggestions: [] as { text: string }[],
    stations: [] as { code: string; name: string; more: string }[],
    courses: [] as { id: number; code: string; title: string; more: string }[],
    understood: '',
    empty: '',
    notice: '',
    busy: false,
    failure: null as Failure | null,
  },
  lifetimes: {
    attached() {
      this.setData({ big: isBig() })
    },
    detached() {
      if (timer) clearTimeout(timer)
      if (suggesting) suggesting.cancel()
      if (searching) searching.cancel()
    },
  },
  methods: {
    onInput(event: WechatMiniprogram.Input) {
      const q = event.detail.value
      this.setData({ q })
      if (timer) clearTimeout(timer)
      timer = setTimeout(() => this.suggest(q), TYPING_PAUSE_MS)
    },
    /** What was asked before the last letter is given up. */
    async suggest(q: string) {
      if (suggesting) suggesting.cancel()
      if (!q.trim()) {
        this.setData({ suggestions: [] })
        return
      }
      suggesting = api().suggestions(q)
      try {
        const found = await suggesting
        this.setData({ suggestions: found.suggestions.map(({ text }) => ({ text })) })
      } catch {
        // suggestions are a help: without them one searches all the same
      }
    },
    onSuggestion(event: WechatMiniprogram.TouchEvent) {
      const { text } = event.currentTarget.dataset as { text: string }
      this.setData({ q: text, suggestions: [] })
      this.onSearch()
    },
    async onNear() {
      if (this.data.place) {
        this.setData({ place: null })
        return
      }
      try {
        this.setData({ place: (await whereAmI()).place })
      } catch {
        wx.showToast({ icon: 'none', title: '没有得到位置,按名称排序' })
      }
    },
    async onSearch() {
      const q = this.data.q.trim()
      if (!q) return
      if (searching) searching.cancel()
      this.setData({ busy: true, failure: null, empty: '', suggestions: [] })
      searching = api().search(q, this.data.place)
      try {
        this.show(await searching)
      } catch (fault) {
        const failure = failureOf(fault)
        if (failure) this.setData({ busy: false, failure })
      }
    },
    show(answer: Search) {
      const nothing = !answer.stations.length && !answer.courses.length
      this.setData({
        busy: false,
        understood: answer.understood || '',
        empty: nothing ? answer.message || '没有找到,换个说法试试。' : '',
        suggestions: nothing ? answer.suggestions.map((text) => ({ text })) : [],
        stations: answer.stations.map((one) => ({
          code: one.station.code,
          name: one.station.name,
          more: [one.walk_minutes === null ? '' : minutesText(one.walk_minutes), hoursText(one.hours.state, one.hours.until)]
            .filter(Boolean)
            .join(' · '),
        })),
        courses: answer.courses.map((one) => ({
          id: one.id,
          code: one.station_code,
          title: one.title,
          more: [
            one.station_name,
            one.form_title,
            feeText(one.fee_yuan, one.subsidised),
            one.next_session ? momentText(one.next_session.starts_at) : '',
          ]
            .filter(Boolean)
            .join(' · '),
        })),
        notice: answer.data_notice ? answer.data_notice.message : '',
      })
    },
    onOpen(event: WechatMiniprogram.TouchEvent) {
      const { code } = event.currentTarget.dataset as { code: string }
      wx.navigateTo({ url: `/pages/station/index?code=${code}` })
    },
  },
})
