/** How a request travels: by `wx.request` in a mini-program, by `fetch` elsewhere. Both answer with text. */

import { CancelledError, OfflineError } from './problem'

export interface TransportRequest {
  method: 'GET' | 'POST'
  url: string
  headers: Record<string, string>
  body: string | null
  timeoutMs: number
}

export interface TransportAnswer {
  status: number
  /** Names in lower case. */
  headers: Record<string, string>
  text: string
}

export interface Running {
  answer: Promise<TransportAnswer>
  abort: () => void
}

export type Transport = (request: TransportRequest) => Running

/** `wx.request` calls `success` for whatever status: the client looks at it. */
export function wxTransport(request: TransportRequest): Running {
  let task: WechatMiniprogram.RequestTask | null = null
  let isAborted = false
  const answer = new Promise<TransportAnswer>((resolve, reject) => {
    task = wx.request({
      url: request.url,
      method: request.method,
      header: request.headers,
      data: request.body === null ? undefined : request.body,
      dataType: '其他', // anything but json: the text as it came
      timeout: request.timeoutMs,
      success: (result) => {
        const text = typeof result.data === 'string' ? result.data : JSON.stringify(result.data)
        resolve({ status: result.statusCode, headers: lowered(result.header), text })
      },
      fail: (fault) => reject(isAborted ? new CancelledError() : new OfflineError(fault.errMsg)),
    })
  })
  return {
    answer,
    abort: () => {
      isAborted = true
      if (task) task.abort()
    },
  }
}

/** For pages and for Node. */
export function fetchTransport(request: TransportRequest): Running {
  const controller = new AbortController()
  let isAborted = false
  const timer = setTimeout(() => controller.abort(), request.timeoutMs)
  const answer = fetch(request.url, {
    method: request.method,
    headers: request.headers,
    body: request.body,
    signal: controller.signal,
  })
    .then(async (found) => {
      const headers: Record<string, string> = {}
      found.headers.forEach((value, name) => {
        headers[name.toLowerCase()] = value
      })
      return { status: found.status, headers, text: await found.text() }
    })
    .catch((fault: Error) => {
      throw isAborted ? new CancelledError() : new OfflineError(fault.message)
    })
    .finally(() => clearTimeout(timer))
  return {
    answer,
    abort: () => {
      isAborted = true
      controller.abort()
    },
  }
}

function lowered(headers: Record<string, unknown>): Record<string, string> {
  const found: Record<string, string> = {}
  Object.keys(headers || {}).forEach((name) => {
    found[name.toLowerCase()] = String(headers[name])
  })
  return found
}
