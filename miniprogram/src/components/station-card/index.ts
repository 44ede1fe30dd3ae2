/** One station in a list. */
Component({
  properties: { card: { type: Object, value: {} as object } },
  methods: {
    onOpen() {
      this.triggerEvent('open')
    },
    onWay() {
      this.triggerEvent('way')
    },
    onNavigate() {
      this.triggerEvent('navigate')
    },
  },
})
