/** The few words of CloudFormation that this folder writes: plain data, with the intrinsic functions as functions. */

export type Value = string | number | boolean | readonly Value[] | { readonly [name: string]: Value }
export type Properties = Readonly<Record<string, Value>>

export interface Resource {
  readonly Type: string
  readonly Properties: Properties
  readonly DependsOn?: readonly string[]
  readonly DeletionPolicy?: 'Retain' | 'Delete'
  readonly UpdateReplacePolicy?: 'Retain' | 'Delete'
}
/** By logical id. */
export type Resources = Readonly<Record<string, Resource>>

export function ref(logicalId: string): Value {
  return { Ref: logicalId }
}

export function attribute(logicalId: string, name: string): Value {
  return { 'Fn::GetAtt': [logicalId, name] }
}

/** `${AWS::…}` in it is filled in by CloudFormation. */
export function sub(text: string): Value {
  return text.includes('${') ? { 'Fn::Sub': text } : text
}

/** An ARN of this partition; account and region of the stack where none is given. */
export function arn(
  service: string,
  resource: string,
  { region = '${AWS::Region}', account = '${AWS::AccountId}' } = {},
): Value {
  return sub(`arn:\${AWS::Partition}:${service}:${region}:${account}:${resource}`)
}

/** `backup-slice` → `BackupSlice`. */
export function pascal(name: string): string {
  return name.replaceAll(/(^|-)([a-z])/g, (_all, _dash: string, letter: string) => letter.toUpperCase())
}
