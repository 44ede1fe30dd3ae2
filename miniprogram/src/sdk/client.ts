/** The client of the Yangcheng Skills Map: typed by the service's OpenAPI document (`schema.ts` is generated). */

import { ApiProblem, CancelledError, OfflineError } from './problem'
import type { components, operations } from './schema'
import type { Running, Transport, TransportAnswer, TransportRequest } from './transports'

type Schemas = components['schemas']
type QueryOf<Name extends keyof operations> = operations[Name] extends { parameters: { query?: infer Query } }
  ? NonNullable<Query>
  : never

export type NearestQuestion = Partial<Schemas['NearestQuestion']>
export type Nearest = Schemas['NearestStations']
export type NearestHit = Schemas['NearestHit']
export type NextSession = Schemas['NextSession']
export type Station = Schemas['StationAnswer']
export type StationHours = Schemas['StationHours']
export type SessionBrief = Schemas['SessionBrief']
export type SessionList = Schemas['OfferedSessionList']
export type CourseList = Schemas['OfferedCourseList']
export type SignUp = Schemas['SignUpOut']
export type SignUps = Schemas['SignUpsOut']
export type SignUpAsked = Partial<Schemas['SignUpAsked']> & { phone: string }
export type WxRoute = Schemas['WxRoute']
export type Notice = Schemas['Notice']
export type Search = Schemas['SearchAnswer']
export type Suggestions = Schemas['SuggestionList']
export interface Place {
  lng: number
  lat: number
  crs: 'gcj02' | 'wgs84' | 'bd09' | 'cgcs2000'
}

export interface ClientOptions {
  baseUrl: string
  transport: Transport
  /** Of texts in answers: Chinese by default. */
  language?: 'zh-CN' | 'en'
  timeoutMs?: number
  /** How often a request that may be repeated is sent again. */
  retries?: number
  /** For tests. */
  sleep?: (ms: number) => Promise<void>
  random?: () => number
}

/** A promise that can be given up. */
export type Call<Answer> = Promise<Answer> & { cancel: () => void }

interface Asked {
  method: 'GET' | 'POST'
  path: string
  query?: object
  body?: object
  headers?: Record<string, string>
  /** May it be sent again? Reading may, and so may what carries an Idempotency-Key. */
  isRepeatable: boolean
}

const AGAIN = [429, 502, 503, 504]
const FIRST_WAIT_MS = 400
const LONGEST_WAIT_MS = 8000

export function createClient(options: ClientOptions) {
  const { baseUrl, transport, language = 'zh-CN', timeoutMs = 10000, retries = 3 } = options
  const sleep = options.sleep || ((ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)))
  const random = options.random || Math.random

  function call<Answer>(asked: Asked): Call<Answer> {
    let running: Running | null = null
    let isCancelled = false
    const request: TransportRequest = {
      method: asked.method,
      url: baseUrl + asked.path + queryText(asked.query),
      headers: {
        accept: 'application/json',
        'accept-language': language,
        ...(asked.body ? { 'content-type': 'application/json' } : {}),
        ...asked.headers,
      },
      body: asked.body ? JSON.stringify(asked.body) : null,
      timeoutMs,
    }
    const run = async (): Promise<Answer> => {
      for (let turn = 0; ; turn += 1) {
        if (isCancelled) throw new CancelledError()
        try {
          running = transport(request)
          return read<Answer>(await running.answer)
        } catch (fault) {
          if (isCancelled) throw new CancelledError()
          if (turn >= retries || !asked.isRepeatable || !mayPass(fault)) throw fault
          await sleep(waitMs(fault, turn, random))
        }
      }
    }
    const made = run() as Call<Answer>
    made.cancel = () => {
      isCancelled = true
      if (running) running.abort()
    }
    return made
  }

  const get = <Answer>(path: string, query?: object): Call<Answer> =>
    call<Answer>({ method: 'GET', path, query, isRepeatable: true })
  const ask = <Answer>(path: string, body: object): Call<Answer> =>
    call<Answer>({ method: 'POST', path, body, isRepeatable: true })
  const code = encodeURIComponent

  return {
    /** The stations that can be reached and attended; the position travels in the body, in no address. */
    nearest: (question: NearestQuestion & Place) => ask<Nearest>('/v1/stations/nearest', question),
    station: (station: string) => get<Station>(`/v1/stations/${code(station)}`, { crs: 'gcj02' }),
    hours: (station: string, days = 7) => get<StationHours>(`/v1/stations/${code(station)}/hours`, { days }),
    /** The walking way for `<map>`. */
    route: (station: string, place: Place, profile: 'adult' | 'senior' | 'wheelchair' = 'adult') =>
      ask<WxRoute>(`/v1/stations/${code(station)}/route`, { ...place, profile, format: 'wx' }),
    courses: (query: QueryOf<'listOfferedCourses'>) => get<CourseList>('/v1/courses', query),
    sessions: (query: QueryOf<'listSessions'>) => get<SessionList>('/v1/sessions', query),
    search: (q: string, place: Place | null, limit = 10) => ask<Search>('/v1/search', { q, limit, ...place }),
    suggestions: (q: string) => get<Suggestions>('/v1/search/suggestions', { q }),
    /** `key` is made once for one submission: sent again with it, there is one sign-up. */
    signUp: (session: number, asked: SignUpAsked, key: string) =>
      call<SignUp>({
        method: 'POST',
        path: `/v1/sessions/${session}/sign-ups`,
        body: asked,
        headers: { 'idempotency-key': key },
        isRepeatable: true,
      }),
    lookUpSignUps: (codes: string[]) => ask<SignUps>('/v1/sign-ups/look-up', { codes }),
    /** Cancelled twice is cancelled, so it may be sent again. */
    cancelSignUp: (signUpCode: string) => ask<SignUp>('/v1/sign-ups/cancel', { code: signUpCode }),
  }
}

export type Client = ReturnType<typeof createClient>

/** A key for one submission. */
export function newKey(random: () => number = Math.random): string {
  let key = ''
  while (key.length < 32) key += Math.floor(random() * 36).toString(36)
  return key
}

function read<Answer>(answer: TransportAnswer): Answer {
  let body: unknown = null
  try {
    body = JSON.parse(answer.text)
  } catch {
    body = null
  }
  if (answer.status >= 200 && answer.status < 300 && body !== null) return body as Answer
  const retryAfter = Number(answer.headers['retry-after'])
  throw new ApiProblem(answer.status, (body || {}) as object, Number.isFinite(retryAfter) ? retryAfter : null)
}

function mayPass(fault: unknown): boolean {
  if (fault instanceof OfflineError) return true
  return fault instanceof ApiProblem && AGAIN.includes(fault.status)
}

/** Twice as long each time, with some chance so that not all come back at once; as long as the service says, at least. */
function waitMs(fault: unknown, turn: number, random: () => number): number {
  const own = Math.min(FIRST_WAIT_MS * 2 ** turn, LONGEST_WAIT_MS) * (0.5 + random() / 2)
  const told = fault instanceof ApiProblem && fault.retryAfterS !== null ? fault.retryAfterS * 1000 : 0
  return Math.min(Math.max(own, told), LONGEST_WAIT_MS)
}

function queryText(query: object | undefined): string {
  const pairs: string[] = []
  Object.entries(query || {}).forEach(([name, value]) => {
    const values: unknown[] = Array.isArray(value) ? value : [value]
    values.forEach((one) => {
      if (one !== undefined && one !== null) pairs.push(`${encodeURIComponent(name)}=${encodeURIComponent(String(one))}`)
    })
  })
  return pairs.length ? `?${pairs.join('&')}` : ''
}
