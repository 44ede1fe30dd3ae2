/** Hits of the service as cards of a list, and as markers of the map. */

import type { NearestHit, NextSession } from '../sdk/client'
import { feeText, hoursText, minutesText, momentText, seatsText } from './format'

export interface Card {
  code: string
  name: string
  address: string
  walk: string
  hours: string
  isOpen: boolean
  session: string
  location: NearestHit['open_location']
}

export function cardOf(hit: NearestHit, now: Date = new Date()): Card {
  const next = hit.session || hit.sessions[0] || null
  return {
    code: hit.station.code,
    name: hit.station.name,
    address: hit.station.address || '',
    walk: minutesText(hit.walk_minutes),
    hours: hoursText(hit.hours.state, hit.hours.until, now),
    isOpen: hit.hours.state === 'open',
    session: next ? sessionText(next, now) : '',
    location: hit.open_location,
  }
}

export function sessionText(session: NextSession, now: Date = new Date()): string {
  const late = session.reachable ? '' : ',现在出发赶不上'
  const told = [momentText(session.starts_at, now), session.title, feeText(session.fee_yuan, session.subsidised)]
  return `${told.join(' · ')} · ${seatsText(session.seats_left)}${late}`
}

export interface Marker {
  id: number
  latitude: number
  longitude: number
  title: string
  width: number
  height: number
}

/** Markers in the order of the cards: the id of each is its place in the list. */
export function markersOf(hits: NearestHit[]): Marker[] {
  return hits.map((hit, id) => ({
    id,
    latitude: hit.open_location.latitude,
    longitude: hit.open_location.longitude,
    title: hit.station.name,
    width: 28,
    height: 36,
  }))
}
