/** WeChat at its edge: requests go to the real service, all else is recorded. setData is held to its limit. */

import http from 'node:http'

export const SERVICE = process.env.SKILLSMAP_TEST_URL || ''

export interface Platform {
  location: { longitude: number; latitude: number; accuracy: number } | { refuse: string }
  chosen: { longitude: number; latitude: number } | null
  storage: Map<string, unknown>
  opened: unknown[]
  navigated: string[]
  sent: Record<string, unknown>[]
  modal: boolean
  /** Answers given instead of asking the service, first come first served. */
  instead: { statusCode?: number; data?: string; header?: Record<string, string>; errMsg?: string }[]
  urls: string[]
}

export const platform: Platform = {
  location: { longitude: 0, latitude: 0, accuracy: 0 },
  chosen: null,
  storage: new Map(),
  opened: [],
  navigated: [],
  sent: [],
  modal: true,
  instead: [],
  urls: [],
}

interface RequestAsked {
  url: string
  method: string
  header: Record<string, string>
  data?: string
  success: (answer: { statusCode: number; data: string; header: Record<string, string> }) => void
  fail: (fault: { errMsg: string }) => void
}

function request(asked: RequestAsked): { abort: () => void } {
  platform.urls.push(asked.url)
  const ready = platform.instead.shift()
  if (ready) {
    setTimeout(() => {
      if (ready.errMsg) asked.fail({ errMsg: ready.errMsg })
      else asked.success({ statusCode: ready.statusCode || 200, data: ready.data || '', header: ready.header || {} })
    }, 0)
    return { abort: () => undefined }
  }
  const sent = http.request(asked.url, { method: asked.method, headers: asked.header }, (answer) => {
    let text = ''
    answer.setEncoding('utf8')
    answer.on('data', (part: string) => (text += part))
    answer.on('end', () =>
      asked.success({ statusCode: answer.statusCode || 0, data: text, header: answer.headers as Record<string, string> }),
    )
  })
  sent.on('error', (fault) => asked.fail({ errMsg: `request:fail ${fault.message}` }))
  if (asked.data) sent.write(asked.data)
  sent.end()
  return { abort: () => sent.destroy() }
}

/** To be called before each test. */
export function reset(): void {
  Object.assign(platform, {
    chosen: null, storage: new Map(), opened: [], navigated: [], sent: [], modal: true, instead: [], urls: [],
  })
  Object.assign(global as unknown as { wx: object }, {
    wx: {
      ...(global as unknown as { wx?: object }).wx,
      request,
      getLocation: (asked: { success: (found: unknown) => void; fail: (fault: { errMsg: string }) => void }) =>
        'refuse' in platform.location ? asked.fail({ errMsg: platform.location.refuse }) : asked.success(platform.location),
      chooseLocation: (asked: { success: (found: unknown) => void; fail: () => void }) =>
        platform.chosen ? asked.success(platform.chosen) : asked.fail(),
      openSetting: () => platform.opened.push('settings'),
      openLocation: (place: unknown) => platform.opened.push(place),
      makePhoneCall: (call: unknown) => platform.opened.push(call),
      showToast: (said: unknown) => platform.opened.push(said),
      showModal: (asked: { success: (answer: { confirm: boolean }) => void }) => asked.success({ confirm: platform.modal }),
      navigateTo: (asked: { url: string; success?: (opened: unknown) => void }) => {
        platform.navigated.push(asked.url)
        const eventChannel = { emit: (_: string, sent: Record<string, unknown>) => platform.sent.push(sent) }
        if (asked.success) asked.success({ eventChannel })
      },
      getStorageSync: (key: string) => platform.storage.get(key),
      setStorageSync: (key: string, value: unknown) => platform.storage.set(key, value),
    },
  })
}

/** Let the pages of these modules ask the service under test, without waiting between attempts. */
export function useService(
  api: typeof import('../src/utils/api'), sdk: typeof import('../src/sdk/client'),
  transports: typeof import('../src/sdk/transports'),
): void {
  const sleep = () => Promise.resolve()
  api.useClient(sdk.createClient({ baseUrl: SERVICE, transport: transports.wxTransport, sleep }))
}

/** The answer of the service to something that is no part of what is tested. */
export function ask<Answer>(path: string, body?: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({
      url: SERVICE + path,
      method: body ? 'POST' : 'GET',
      header: { 'content-type': 'application/json' },
      data: body ? JSON.stringify(body) : undefined,
      success: (answer) => resolve(JSON.parse(answer.data) as Answer),
      fail: (fault) => reject(new Error(fault.errMsg)),
    })
    platform.urls.pop()
  })
}

/** A position of the phone beside a station of the demonstration city, in GCJ-02. */
export async function beside(code: string): Promise<{ longitude: number; latitude: number; accuracy: number }> {
  const answer = await ask<{ lng: number; lat: number }>(`/v1/stations/${code}?crs=gcj02`)
  return { longitude: answer.lng + 0.001, latitude: answer.lat, accuracy: 40 }
}

/** Wait until something is so. */
export async function until(isSo: () => boolean, what: string): Promise<void> {
  const end = Date.now() + 12000
  while (!isSo()) {
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
}
