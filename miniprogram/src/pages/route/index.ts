/** The walking way to a station. The position comes by an event channel, or from the phone. */

import type { Place, WxRoute } from '../../sdk/client'
import { api, failureOf } from '../../utils/api'
import type { Failure } from '../../utils/api'
import { distanceText, minutesText } from '../../utils/format'
import { isBig } from '../../utils/kept'
import { whereAmI } from '../../utils/place'

Component({
  properties: { code: { type: String, value: '' } },
  data: {
    big: false,
    busy: false,
    failure: null as Failure | null,
    way: null as WxRoute | null,
    total: '',
    notice: '',
    place: null as Place | null,
  },
  lifetimes: {
    attached() {
      this.setData({ big: isBig() })
    },
  },
  methods: {
    onLoad(options: { code?: string }) {
      this.setData({ code: options.code || '' })
      const channel = this.getOpenerEventChannel ? this.getOpenerEventChannel() : null
      if (channel && channel.on) {
        channel.on('place', (place: Place) => {
          this.setData({ place })
          this.load()
        })
      } else {
        this.load()
      }
    },
    async load() {
      this.setData({ busy: true, failure: null })
      try {
        const place = this.data.place || (await whereAmI()).place
        const way = await api().route(this.data.code, place)
        this.setData({
          busy: false,
          way,
          total: `${minutesText(way.walk_minutes)},${distanceText(way.walk_m)}`,
          notice: way.data_notice ? way.data_notice.message : '',
        })
      } catch (fault) {
        const failure = failureOf(fault)
        if (failure) this.setData({ busy: false, failure })
      }
    },
    onNavigate() {
      if (this.data.way) wx.openLocation({ ...this.data.way.open_location })
    },
  },
})
