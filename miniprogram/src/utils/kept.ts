/** What stays on the phone: codes of sign-ups and the size of letters. Never a position. */

const CODES = 'sign-up codes'
const BIG = 'big type'

export function keptCodes(): string[] {
  const held: unknown = wx.getStorageSync(CODES)
  return Array.isArray(held) ? held.filter((one): one is string => typeof one === 'string') : []
}

export function keepCode(code: string): void {
  wx.setStorageSync(CODES, [code, ...keptCodes().filter((one) => one !== code)].slice(0, 20))
}

export function forgetCode(code: string): void {
  wx.setStorageSync(CODES, keptCodes().filter((one) => one !== code))
}

export function isBig(): boolean {
  return wx.getStorageSync(BIG) === true
}

export function setBig(isOn: boolean): void {
  wx.setStorageSync(BIG, isOn)
}
