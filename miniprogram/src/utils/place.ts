/** Where somebody is: by the phone, or chosen on the map where that is refused. */

import type { Place } from '../sdk/client'

/** The phone does not tell: refused by the person, or switched off. */
export class PlaceRefused extends Error {
  /** May the settings of the mini-program be opened to allow it? */
  readonly bySetting: boolean

  constructor(reason: string) {
    super(reason)
    this.name = 'PlaceRefused'
    this.bySetting = /auth|deny|denied|authorize/i.test(reason)
  }
}

export interface FoundPlace {
  place: Place
  accuracyM: number | null
}

export function whereAmI(): Promise<FoundPlace> {
  return new Promise((resolve, reject) => {
    wx.getLocation({
      type: 'gcj02',
      isHighAccuracy: true,
      success: (found) =>
        resolve({
          place: { lng: found.longitude, lat: found.latitude, crs: 'gcj02' },
          accuracyM: found.accuracy > 0 ? Math.min(found.accuracy, 2000) : null,
        }),
      fail: (fault) => reject(new PlaceRefused(fault.errMsg)),
    })
  })
}

/** Chosen by hand; null where somebody thought better of it. */
export function choosePlace(): Promise<Place | null> {
  return new Promise((resolve) => {
    wx.chooseLocation({
      success: (found) => resolve({ lng: found.longitude, lat: found.latitude, crs: 'gcj02' }),
      fail: () => resolve(null),
    })
  })
}
