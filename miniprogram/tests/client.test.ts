/** The client against a transport that fails as networks do. */

import { createClient, newKey } from '../src/sdk/client'
import { ApiProblem, CancelledError, OfflineError } from '../src/sdk/problem'
import type { Transport, TransportAnswer, TransportRequest } from '../src/sdk/transports'

function scripted(answers: (TransportAnswer | Error)[]): { transport: Transport; seen: TransportRequest[] } {
  const seen: TransportRequest[] = []
  const transport: Transport = (request) => {
    seen.push(request)
    const next = answers.shift()
    return {
      answer: next instanceof Error || !next ? Promise.reject(next || new OfflineError('no more')) : Promise.resolve(next),
      abort: () => undefined,
    }
  }
  return { transport, seen }
}

const ok = (body: unknown): TransportAnswer => ({ status: 200, headers: {}, text: JSON.stringify(body) })
const problem = (status: number, body: object, headers: Record<string, string> = {}): TransportAnswer => ({
  status, headers, text: JSON.stringify(body),
})

function client(answers: (TransportAnswer | Error)[], waits: number[] = []) {
  const { transport, seen } = scripted(answers)
  const sleep = (ms: number) => {
    waits.push(ms)
    return Promise.resolve()
  }
  return { made: createClient({ baseUrl: 'http://service', transport, sleep, random: () => 1 }), seen, waits }
}

test('a position travels in the body', async () => {
  const { made, seen } = client([ok({ hits: [] })])
  await made.nearest({ lng: 113.3, lat: 23.1, crs: 'gcj02', limit: 3 })
  expect(seen[0].url).toBe('http://service/v1/stations/nearest')
  expect(JSON.parse(seen[0].body || '')).toEqual({ lng: 113.3, lat: 23.1, crs: 'gcj02', limit: 3 })
})

test('what may pass is sent again, each time later', async () => {
  const { made, seen, waits } = client([new OfflineError('down'), problem(503, {}, { 'retry-after': '2' }), ok({ q: 'a' })])
  await expect(made.suggestions('a')).resolves.toEqual({ q: 'a' })
  expect(seen).toHaveLength(3)
  expect(waits).toEqual([400, 2000])
})

test('after some times it is given up', async () => {
  const { made, seen } = client(Array.from({ length: 9 }, () => problem(503, { code: 'not_ready', detail: '尚未就绪' })))
  await expect(made.hours('A')).rejects.toMatchObject({ code: 'not_ready', status: 503, message: '尚未就绪' })
  expect(seen).toHaveLength(4)
})

test('a refusal is not sent again and names the remedy', async () => {
  const errors = [{ field: 'crs', value: null, message: '缺少', remedy: '加上 crs' }]
  const { made, seen } = client([problem(422, { code: 'crs_required', detail: '坐标没有注明坐标系', errors, request_id: 'x1' })])
  const fault = (await made.search('焊', null).catch((one: unknown) => one)) as ApiProblem
  expect(fault).toBeInstanceOf(ApiProblem)
  expect([fault.code, fault.remedy, fault.requestId]).toEqual(['crs_required', '加上 crs', 'x1'])
  expect(seen).toHaveLength(1)
})

test('one submission keeps its key however often it is sent', async () => {
  const { made, seen } = client([new OfflineError('down'), problem(201, { code: 'ABC' })])
  await expect(made.signUp(7, { phone: '13800138000' }, 'k1')).resolves.toEqual({ code: 'ABC' })
  expect(seen.map((one) => one.headers['idempotency-key'])).toEqual(['k1', 'k1'])
  expect(newKey()).toMatch(/^[a-z0-9]{32}$/)
  expect(newKey()).not.toBe(newKey())
})

test('a call that is given up answers nothing', async () => {
  let abort = 0
  const transport: Transport = () => {
    let refuse: (fault: Error) => void = () => undefined
    return {
      answer: new Promise((_, reject) => (refuse = reject)),
      abort: () => {
        abort += 1
        refuse(new OfflineError('aborted'))
      },
    }
  }
  const call = createClient({ baseUrl: '', transport }).suggestions('a')
  await Promise.resolve()
  call.cancel()
  await expect(call).rejects.toBeInstanceOf(CancelledError)
  expect(abort).toBe(1)
})

test('an answer that is no JSON is a problem, too', async () => {
  const { made } = client([{ status: 200, headers: {}, text: '<html>' }])
  await expect(made.suggestions('a')).rejects.toBeInstanceOf(ApiProblem)
})

test('lists in a query are repeated and nothing empty is sent', async () => {
  const { made, seen } = client([ok({})])
  await made.sessions({ form: ['evening_school', 'workshop'], q: '焊 工', until: undefined })
  expect(seen[0].url).toBe('http://service/v1/sessions?form=evening_school&form=workshop&q=%E7%84%8A%20%E5%B7%A5')
})
