/** What can go wrong with a call. Every error of the service is a problem (RFC 9457) with a stable `code`. */

export interface Fault {
  field: string
  value: string | null
  message: string
  remedy: string | null
}

interface ProblemBody {
  code?: string
  title?: string
  detail?: string
  errors?: Fault[]
  request_id?: string
}

/** The service has refused, or has failed. Decide by `code`: it never changes; show `message` and `remedy`. */
export class ApiProblem extends Error {
  readonly status: number
  readonly code: string
  readonly errors: Fault[]
  readonly requestId: string | null
  readonly retryAfterS: number | null

  constructor(status: number, body: ProblemBody, retryAfterS: number | null) {
    super(body.detail || body.title || `HTTP ${status}`)
    this.name = 'ApiProblem'
    this.status = status
    this.code = body.code || 'unknown'
    this.errors = body.errors || []
    this.requestId = body.request_id || null
    this.retryAfterS = retryAfterS
  }

  /** What the reader can do about it, '' where nothing is known. */
  get remedy(): string {
    return this.errors.map((one) => one.remedy).filter(Boolean).join(';')
  }
}

/** The request did not reach the service, or its answer did not come back. */
export class OfflineError extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'OfflineError'
  }
}

/** The call was cancelled by whoever made it: nothing is to be shown. */
export class CancelledError extends Error {
  constructor() {
    super('cancelled')
    this.name = 'CancelledError'
  }
}
