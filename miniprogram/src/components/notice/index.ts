/** What the service says of its data (合成数据、近似界线): always shown where it is there. */
Component({
  properties: { text: { type: String, value: '' } },
})
