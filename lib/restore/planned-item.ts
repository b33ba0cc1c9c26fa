import type { ComponentName } from '../resources/component-name.ts'
import type { JsonObject } from '../resources/json.ts'
import type { PlanAction } from './plan-counts.ts'
import type { ResourcePrint } from './resource-print.ts'
import type { ShownValue } from './shown-values.ts'

/** One resource that the restore touches, or would if it could. What stays as it is has no item and is only counted. */
export interface PlanItem {
  readonly component: ComponentName
  /** The encoded key, base64url. */
  readonly key: string
  /** Its key in the snapshot, where it is called otherwise there. */
  readonly from?: string
  readonly action: PlanAction
  /** Of an update: the dotted members that differ, `content` and `secrets.NAME` among them. */
  readonly fields?: readonly string[]
  /** Of some of them, what they were and will be: for people. */
  readonly values?: readonly ShownValue[]
  /** Of content that is written, holes included. */
  readonly bytes?: number
  /** Of `cannot` and `left`: why. */
  readonly reason?: string
  /** Live as the plan saw it; absent: nothing was there. */
  readonly before?: ResourcePrint
  /** Live as it will read back; absent without `asStored`: nothing. */
  readonly after?: ResourcePrint
  /** Of a create, in place of `after`: it will read back as the snapshot holds it, to the byte. */
  readonly asStored?: true
  /** `state` as it will read back, where that is not what the snapshot holds. */
  readonly state?: JsonObject
  /** Fields that this target does not keep. */
  readonly lost?: readonly { readonly field: string; readonly reason: string }[]
  readonly needsPerson?: readonly string[]
  readonly privileged?: boolean
}
