/** What residents do, page by page, against the running service. */

import { open, tap, textOf } from './pages'
import { ask, beside, platform, reset, SERVICE, until } from './platform'

interface Listed {
  sessions: { id: number; station_code: string; title: string; starts_at: string; seats_left: number | null }[]
}

const ifServed = SERVICE ? describe : describe.skip
let session: Listed['sessions'][number]
let nextPhone = 13900000000

beforeAll(async () => {
  if (!SERVICE) return
  const soon = new Date(Date.now() + 3600 * 1000).toISOString()
  const listed = await ask<Listed>('/v1/sessions?has_seats=true&online=false&limit=200')
  session = listed.sessions.find((one) => new Date(one.starts_at).toISOString() > soon) as Listed['sessions'][number]
})

beforeEach(async () => {
  reset()
  if (SERVICE) platform.location = await beside(session.station_code)
})

ifServed('the map', () => {
  test('one tap finds the nearest stations, and leads to one, its way and the navigation', async () => {
    const page = open('map')
    page.instance.onFind()
    await until(() => (page.data.cards as unknown[]).length > 0, 'cards')
    const cards = page.data.cards as { code: string; name: string; walk: string; hours: string }[]
    expect(cards[0].code).toBe(session.station_code)
    expect(cards[0].walk).toMatch(/^步行约 \d+ 分钟$/)
    expect(textOf(page)).toContain(cards[0].name)
    expect(page.data.notice).toContain('合成数据')
    expect(textOf(page)).toContain(page.data.notice)
    const markers = page.data.markers as { id: number; latitude: number }[]
    expect(markers.map((one) => one.id)).toEqual(cards.map((_, k) => k))
    page.instance.onOpen(tap({ code: cards[0].code }))
    page.instance.onWay(tap({ code: cards[0].code }))
    page.instance.onNavigate(tap({ code: cards[0].code }))
    expect(platform.navigated).toEqual([
      `/pages/station/index?code=${cards[0].code}`,
      `/pages/route/index?code=${cards[0].code}`,
    ])
    expect(platform.sent[0]).toMatchObject({ crs: 'gcj02' })
    expect(platform.opened[0]).toMatchObject({ name: cards[0].name })
    const { longitude } = platform.location as { longitude: number }
    expect(platform.urls.join()).not.toContain(String(longitude).slice(0, 7))
    expect([...platform.storage.keys()]).toEqual([])
  })

  test('filters ask for what suits, and what does not fit is said', async () => {
    const page = open('map')
    page.instance.onFind()
    await until(() => (page.data.cards as unknown[]).length > 0, 'cards')
    page.instance.onFilter(tap({ name: 'soon' }))
    await until(() => !page.data.busy, 'the filtered answer')
    const cards = page.data.cards as { session: string }[]
    expect(cards.length > 0 || (page.data.message as string).length > 0).toBe(true)
    if (!page.data.message) expect(cards.every((card) => card.session)).toBe(true)
  })

  test('who refuses the position can allow it, or choose a place', async () => {
    const before = platform.location as { longitude: number; latitude: number }
    platform.location = { refuse: 'getLocation:fail auth deny' }
    const page = open('map')
    page.instance.onFind()
    await until(() => page.data.refused !== null, 'the refusal')
    expect(textOf(page)).toContain('没有得到您的位置')
    page.instance.onSetting()
    expect(platform.opened).toEqual(['settings'])
    platform.chosen = before
    page.instance.onChoose()
    await until(() => (page.data.cards as unknown[]).length > 0, 'cards of the chosen place')
    expect(page.data.refused).toBeNull()
  })

  test('without a network it says so, and tries again when asked', async () => {
    platform.instead = Array.from({ length: 4 }, () => ({ errMsg: 'request:fail timeout' }))
    const page = open('map')
    page.instance.onFind()
    await until(() => page.data.failure !== null, 'the failure')
    expect(textOf(page)).toContain('网络不可用')
    expect(platform.urls).toHaveLength(4)
    page.instance.onFind()
    await until(() => (page.data.cards as unknown[]).length > 0, 'cards')
    expect(page.data.failure).toBeNull()
  })

  test('a service that restarts is waited for', async () => {
    platform.instead = [{ statusCode: 503, data: '{"code":"not_ready"}', header: { 'Retry-After': '1' } }]
    const page = open('map')
    page.instance.onFind()
    await until(() => (page.data.cards as unknown[]).length > 0, 'cards')
    expect(platform.urls).toHaveLength(2)
  })

  test('large letters stay', () => {
    const page = open('map')
    page.instance.onBig()
    expect(open('map').data.big).toBe(true)
  })
})

ifServed('a station', () => {
  test('hours, sessions, signing up, my sign-ups, cancelling', async () => {
    const page = open('station', { code: session.station_code })
    await until(() => page.data.station !== null, 'the station')
    expect((page.data.days as unknown[]).length).toBe(7)
    expect(page.data.state).toMatch(/开放|未知/)
    const rows = page.data.sessions as { id: number; title: string; isFull: boolean }[]
    expect(rows.map((one) => one.id)).toContain(session.id)
    page.instance.onSignUp(tap({ id: session.id }))
    page.instance.onPhone({ detail: { value: '123' } })
    page.instance.onSend()
    await until(() => page.data.problem !== '', 'the refusal of a wrong number')
    expect(page.data.problem).toContain('手机号')
    page.instance.onPhone({ detail: { value: String((nextPhone += 1)) } })
    page.instance.onSend()
    await until(() => page.data.done !== '', 'the sign-up')
    expect(page.data.done).toContain('已报名')

    const mine = open('signups')
    await until(() => (mine.data.rows as unknown[]).length === 1, 'my sign-ups')
    const [row] = mine.data.rows as { code: string; title: string; state: string; canCancel: boolean }[]
    expect([row.title, row.state, row.canCancel]).toEqual([session.title, '已报名', true])
    mine.instance.onCancel(tap({ code: row.code }))
    await until(() => (mine.data.rows as { state: string }[])[0].state === '已取消', 'the cancellation')
    mine.instance.onForget(tap({ code: row.code }))
    await until(() => (mine.data.rows as unknown[]).length === 0, 'an empty list')
  })

  test('a full session leads to the waiting list', async () => {
    const page = open('station', { code: session.station_code })
    await until(() => page.data.station !== null, 'the station')
    const seats = session.seats_left as number
    for (let k = 0; k < seats; k += 1) {
      await ask(`/v1/sessions/${session.id}/sign-ups`, { phone: String((nextPhone += 1)) })
    }
    page.instance.onSignUp(tap({ id: session.id }))
    page.instance.onPhone({ detail: { value: String((nextPhone += 1)) } })
    page.instance.onSend()
    await until(() => (page.data.problem as string).includes('候补'), 'the offer to wait')
    page.instance.onSend()
    await until(() => (page.data.done as string).includes('第 1 位'), 'the place on the waiting list')
  })

  test('one that there is not is said', async () => {
    const page = open('station', { code: 'YC000000-000' })
    await until(() => page.data.failure !== null, 'the failure')
    expect(textOf(page)).toContain('没有')
  })
})

ifServed('the way', () => {
  test('line, steps and what WeChat navigates by', async () => {
    const page = open('route', { code: session.station_code })
    page.instance.load()
    await until(() => page.data.way !== null, 'the way')
    const way = page.data.way as { polyline: { points: unknown[] }[]; steps: { text: string }[]; open_location: object }
    expect(way.polyline[0].points.length).toBeGreaterThan(1)
    expect(textOf(page)).toContain(way.steps[way.steps.length - 1].text)
    expect(page.data.total).toMatch(/^步行约 \d+ 分钟,/)
    page.instance.onNavigate()
    expect(platform.opened[0]).toEqual(way.open_location)
  })
})

ifServed('searching', () => {
  test('suggestions while typing; words, pinyin and a slip of the pen', async () => {
    const page = open('search')
    page.instance.onInput({ detail: { value: '焊' } })
    page.instance.onInput({ detail: { value: '焊工' } })
    await until(() => (page.data.suggestions as unknown[]).length > 0, 'suggestions')
    expect(platform.urls.filter((url) => url.includes('suggestions'))).toHaveLength(1)
    page.instance.onSuggestion(tap({ text: '焊工' }))
    await until(() => (page.data.courses as unknown[]).length > 0, 'courses')
    expect(textOf(page)).toContain('焊工')
    for (const slip of ['hangong', '汗工']) {
      page.instance.setData({ q: slip, courses: [] })
      page.instance.onSearch()
      await until(() => (page.data.courses as unknown[]).length > 0, slip)
      expect((page.data.courses as { title: string }[])[0].title).toContain('焊工')
    }
    await page.instance.onNear()
    page.instance.onSearch()
    await until(() => !page.data.busy, 'the search near here')
    page.instance.onOpen(tap({ code: session.station_code }))
    expect(platform.navigated[0]).toContain(session.station_code)
  })

  test('nothing found is said', async () => {
    const page = open('search')
    page.instance.setData({ q: '量子引力与弦' })
    page.instance.onSearch()
    await until(() => page.data.empty !== '', 'the message')
    expect(textOf(page)).toContain(page.data.empty)
  })
})
