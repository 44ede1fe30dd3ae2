import { BASE_URL } from '../config'
import { createClient } from '../sdk/client'
import type { Client } from '../sdk/client'
import { ApiProblem, CancelledError, OfflineError } from '../sdk/problem'
import { wxTransport } from '../sdk/transports'

let made: Client | null = null

/** The one client of the mini-program. */
export function api(): Client {
  if (!made) made = createClient({ baseUrl: BASE_URL, transport: wxTransport })
  return made
}

/** For tests: another service. */
export function useClient(client: Client): void {
  made = client
}

export interface Failure {
  message: string
  remedy: string
  canRetry: boolean
}

/** What to show of a fault; null where the call was given up and nothing is to be shown. */
export function failureOf(fault: unknown): Failure | null {
  if (fault instanceof CancelledError) return null
  if (fault instanceof OfflineError) return { message: '网络不可用,请检查网络后重试。', remedy: '', canRetry: true }
  if (fault instanceof ApiProblem) {
    return { message: fault.message, remedy: fault.remedy, canRetry: fault.status >= 500 || fault.status === 429 }
  }
  return { message: '出错了,请稍后再试。', remedy: '', canRetry: true }
}
