/** Pages rendered by miniprogram-simulate. */

import path from 'node:path'

import { useService } from './platform'

const ROOT = path.join(__dirname, '..', 'src')
const MOST_BYTES = 256 * 1024

export interface Rendered {
  data: Record<string, unknown>
  instance: Record<string, (...given: unknown[]) => unknown> & { setData: (data: object) => void }
  querySelector: (selector: string) => Rendered | undefined
  querySelectorAll: (selector: string) => Rendered[]
  dispatchEvent: (name: string, event?: object) => void
  dom: HTMLElement
  attach: (parent: HTMLElement) => void
  detach: () => void
}

/** A page in the document; what it gives to setData at once is held to WeChat's limit. */
export function open(page: string, properties: object = {}): Rendered {
  // a component registers itself when its module is run: each page has modules of its own
  jest.resetModules()
  const simulate = require('miniprogram-simulate')
  useService(require('../src/utils/api'), require('../src/sdk/client'), require('../src/sdk/transports'))
  const id = simulate.load(path.join(ROOT, 'pages', page, 'index'), { compiler: 'simulate', rootPath: ROOT })
  const made: Rendered = simulate.render(id, properties)
  const set = made.instance.setData.bind(made.instance)
  made.instance.setData = (data: object) => {
    const size = Buffer.byteLength(JSON.stringify(data))
    if (size > MOST_BYTES) throw new Error(`setData of ${size} bytes`)
    set(data)
  }
  made.attach(document.body)
  return made
}

export function textOf(rendered: Rendered): string {
  return rendered.dom.textContent || ''
}

/** What a handler is given by a tap on something with data-*. */
export function tap(dataset: object): object {
  return { currentTarget: { dataset } }
}
