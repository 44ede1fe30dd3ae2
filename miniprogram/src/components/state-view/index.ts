/** Loading, failed, or nothing there. */
Component({
  properties: {
    busy: { type: Boolean, value: false },
    failure: { type: Object, value: null as unknown as object },
    empty: { type: String, value: '' },
  },
  methods: {
    onRetry() {
      this.triggerEvent('retry')
    },
  },
})
