/** One tap: the stations that one can walk to and attend. */

import type { Call, Nearest, NearestQuestion, Place } from '../../sdk/client'
import { api, failureOf } from '../../utils/api'
import type { Failure } from '../../utils/api'
import { cardOf, markersOf } from '../../utils/cards'
import type { Card, Marker } from '../../utils/cards'
import { momentText } from '../../utils/format'
import { isBig, setBig } from '../../utils/kept'
import { choosePlace, PlaceRefused, whereAmI } from '../../utils/place'

interface Filter {
  name: string
  text: string
  on: boolean
}

const FILTERS: [string, string, Partial<NearestQuestion>][] = [
  ['open', '正在开放', { open_at: 'now' }],
  ['soon', '今天赶得上的课', { session_within_hours: 24, order: 'session' }],
  ['evening', '夜校', { form: ['evening_school'] }],
  ['workshop', '技能工坊', { form: ['workshop'] }],
  ['free', '免费', { cost: ['free'] }],
  ['unemployed', '求职者', { group: ['unemployed'] }],
  ['senior', '慢走', { profile: 'senior' }],
  ['wheelchair', '轮椅', { profile: 'wheelchair', accessible: true }],
]

let running: Call<Nearest> | null = null

Component({
  data: {
    big: false,
    place: null as Place | null,
    filters: FILTERS.map(([name, text]): Filter => ({ name, text, on: false })),
    markers: [] as Marker[],
    cards: [] as Card[],
    online: [] as { id: number; title: string; when: string }[],
    message: '',
    doubt: '',
    notice: '',
    busy: false,
    failure: null as Failure | null,
    refused: null as { bySetting: boolean } | null,
  },
  lifetimes: {
    attached() {
      this.setData({ big: isBig() })
    },
    detached() {
      if (running) running.cancel()
    },
  },
  methods: {
    async onFind() {
      this.setData({ busy: true, failure: null, refused: null })
      try {
        const found = await whereAmI()
        await this.ask(found.place, found.accuracyM)
      } catch (fault) {
        this.setData({ busy: false })
        if (!(fault instanceof PlaceRefused)) throw fault
        this.setData({ refused: { bySetting: fault.bySetting } })
      }
    },
    async ask(place: Place, accuracyM: number | null) {
      if (running) running.cancel()
      const question: NearestQuestion & Place = { ...place, limit: 10 }
      if (accuracyM !== null) question.accuracy_m = accuracyM
      this.data.filters.forEach((filter, k) => {
        if (filter.on) Object.assign(question, FILTERS[k][2])
      })
      // two forms may be wanted at once
      const forms = this.data.filters.filter((filter) => filter.on && ['evening', 'workshop'].includes(filter.name))
      if (forms.length) question.form = forms.map((filter) => (filter.name === 'evening' ? 'evening_school' : 'workshop'))
      this.setData({ place, busy: true, failure: null, refused: null })
      running = api().nearest(question)
      try {
        this.show(await running)
      } catch (fault) {
        const failure = failureOf(fault)
        if (failure) this.setData({ busy: false, failure, cards: [], markers: [], message: '', doubt: '', online: [] })
      }
    },
    show(answer: Nearest) {
      const hits = answer.hits.length ? answer.hits : answer.beyond ? [answer.beyond] : []
      this.setData({
        busy: false,
        cards: hits.map((hit) => cardOf(hit)),
        markers: markersOf(hits),
        online: answer.online.map((one) => ({
          id: one.id,
          title: one.title,
          when: one.next_starts_at ? momentText(one.next_starts_at) : '随时可学',
        })),
        message: [answer.message, answer.hint && answer.hint.message].filter(Boolean).join('\n'),
        doubt: answer.accuracy && answer.accuracy.first_may_change ? '定位不够准确,最近的站点可能是列表里的另一个。' : '',
        notice: answer.data_notice ? answer.data_notice.message : '',
      })
    },
    onFilter(event: WechatMiniprogram.TouchEvent) {
      const { name } = event.currentTarget.dataset as { name: string }
      const filters = this.data.filters.map((one) => (one.name === name ? { ...one, on: !one.on } : one))
      this.setData({ filters })
      if (this.data.place) this.ask(this.data.place, null)
    },
    onSetting() {
      wx.openSetting({})
    },
    async onChoose() {
      const place = await choosePlace()
      if (place) await this.ask(place, null)
    },
    /** A tap on the map is a place, too. */
    onPick(event: WechatMiniprogram.CustomEvent<{ latitude: number; longitude: number }>) {
      const { latitude, longitude } = event.detail
      this.ask({ lng: longitude, lat: latitude, crs: 'gcj02' }, null)
    },
    onMarker(event: WechatMiniprogram.CustomEvent<{ markerId: number }>) {
      const card = this.data.cards[event.detail.markerId]
      if (card) wx.navigateTo({ url: `/pages/station/index?code=${card.code}` })
    },
    cardAt(event: WechatMiniprogram.TouchEvent): Card | undefined {
      const { code } = event.currentTarget.dataset as { code: string }
      return this.data.cards.find((one) => one.code === code)
    },
    onOpen(event: WechatMiniprogram.TouchEvent) {
      const card = this.cardAt(event)
      if (card) wx.navigateTo({ url: `/pages/station/index?code=${card.code}` })
    },
    /** The position goes to the page by an event channel: it stands in no address. */
    onWay(event: WechatMiniprogram.TouchEvent) {
      const card = this.cardAt(event)
      const { place } = this.data
      if (!card || !place) return
      wx.navigateTo({
        url: `/pages/route/index?code=${card.code}`,
        success: (opened) => opened.eventChannel.emit('place', place),
      })
    },
    onNavigate(event: WechatMiniprogram.TouchEvent) {
      const card = this.cardAt(event)
      if (card) wx.openLocation({ ...card.location })
    },
    onBig() {
      setBig(!this.data.big)
      this.setData({ big: !this.data.big })
    },
  },
})
