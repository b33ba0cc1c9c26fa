/**
 * Holds a CloudFormation template against AWS's own specification, offline: types of resources, unknown and required properties, shapes of values. Intrinsic functions
 * stand for anything. Gives one sentence per finding.
 */
import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec'
import type { Property, PropertyType, SpecDatabase } from '@aws-cdk/service-spec-types'

export interface SpecResult {
  readonly findings: readonly string[]
  /** Values that were looked at: a check that looked at nothing found nothing. */
  readonly values: number
}

type Template = {
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly Properties?: unknown }>>
}

let loaded: SpecDatabase | undefined

export function checkTemplate(template: Template): SpecResult {
  const database = (loaded ??= loadAwsServiceSpecSync())
  const findings: string[] = []
  let values = 0

  const checkMembers = (value: unknown, properties: Readonly<Record<string, Property>>, at: string): void => {
    if (!isMap(value)) return void findings.push(`${at}: must be a map`)
    for (const [name, member] of Object.entries(value)) {
      const property = properties[name]
      if (property === undefined) findings.push(`${at}.${name}: there is no such property`)
      else checkValue(member, [property.type, ...(property.previousTypes ?? [])], `${at}.${name}`)
    }
    for (const [name, { required }] of Object.entries(properties))
      if (required === true && !(name in value)) findings.push(`${at}.${name}: is required`)
  }
  /** Any of the types will do: the specification keeps older ones. */
  const checkValue = (value: unknown, types: readonly PropertyType[], at: string): void => {
    values++
    if (isIntrinsic(value)) return
    const refusals = types.map((type) => {
      const before = findings.length
      const counted = values
      checkType(value, type, at)
      const found = findings.splice(before)
      if (found.length > 0) values = counted
      return found
    })
    if (refusals.every((found) => found.length > 0)) findings.push(...(refusals[0] ?? []))
  }
  const checkType = (value: unknown, type: PropertyType, at: string): void => {
    const refuse = (what: string): void => void findings.push(`${at}: must be ${what}`)
    switch (type.type) {
      case 'string':
        // CloudFormation writes numbers and truth as texts by itself.
        return ['string', 'number', 'boolean'].includes(typeof value) ? undefined : refuse('a text')
      case 'integer':
        return isWritten(value, /^-?\d+$/) ? undefined : refuse('a whole number')
      case 'number':
        return isWritten(value, /^-?\d+(\.\d+)?$/) ? undefined : refuse('a number')
      case 'boolean':
        return isWritten(value, /^(true|false)$/) ? undefined : refuse('true or false')
      case 'date-time':
        return typeof value === 'string' ? undefined : refuse('a time')
      case 'array':
        if (!Array.isArray(value)) return refuse('a list')
        for (const [index, element] of value.entries()) checkValue(element, [type.element], `${at}[${index}]`)
        return
      case 'map':
        if (!isMap(value)) return refuse('a map')
        for (const [name, member] of Object.entries(value)) checkValue(member, [type.element], `${at}.${name}`)
        return
      case 'ref':
        return checkMembers(value, database.get('typeDefinition', type.reference.$ref).properties, at)
      case 'union':
        return checkValue(value, type.types, at)
      case 'tag':
        return checkMembers(value, { Key: { type: { type: 'string' } }, Value: { type: { type: 'string' } } }, at)
      case 'json':
        return isMap(value) || Array.isArray(value) || typeof value === 'string' ? undefined : refuse('JSON')
      case 'null':
        return value === null ? undefined : refuse('nothing')
    }
  }

  for (const [id, { Type, Properties = {} }] of Object.entries(template.Resources)) {
    const [resource] = database.lookup('resource', 'cloudFormationType', 'equals', Type)
    if (resource === undefined) findings.push(`${id}: there is no type ${Type}`)
    else checkMembers(Properties, resource.properties, id)
  }
  return { findings, values }
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isIntrinsic(value: unknown): boolean {
  const [name, ...more] = isMap(value) ? Object.keys(value) : []
  return more.length === 0 && (name === 'Ref' || name?.startsWith('Fn::') === true)
}

function isWritten(value: unknown, form: RegExp): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value) && form.test(String(value))
}
