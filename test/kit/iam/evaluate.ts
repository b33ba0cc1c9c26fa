/**
 * What AWS answers to one request, from the policies alone: the identity's, the resource's (a bucket, a queue) and a key's. As AWS documents it for one account: a
 * matching Deny wins over everything; else an identity's or a resource's Allow suffices, but of a KMS key the key's own policy must allow, the principal or the account
 * (which then leaves it to identities). What this does not know (an operator, an element) it throws at, so that no test passes by being overlooked.
 */

export interface Statement {
  readonly Sid?: string
  readonly Effect: 'Allow' | 'Deny'
  readonly Principal?: '*' | { readonly [kind: string]: string | readonly string[] }
  readonly Action?: string | readonly string[]
  readonly NotAction?: string | readonly string[]
  readonly Resource?: string | readonly string[]
  readonly NotResource?: string | readonly string[]
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>
}

export interface Request {
  readonly action: string
  readonly resource: string
  /** ARN of a role, or the name of a service. */
  readonly principal: string
  readonly account: string
  /** Condition keys as AWS fills them; a key that is absent is absent. */
  readonly context: Readonly<Record<string, string | readonly string[]>>
}

export interface Policies {
  readonly identity: readonly Statement[]
  /** Of the bucket, queue or topic. */
  readonly resource?: readonly Statement[]
  /** Of the KMS key; then there is no other resource policy. */
  readonly key?: readonly Statement[]
}

const ELEMENTS = new Set(['Sid', 'Effect', 'Principal', 'Action', 'NotAction', 'Resource', 'NotResource', 'Condition'])

export function evaluate(request: Request, { identity, resource = [], key }: Policies): 'allowed' | 'denied' {
  const ofIdentity = identity.filter((statement) => matches(statement, request))
  const ofResource = (key ?? resource).filter(
    (statement) => isMeant(statement, request) !== 'no' && matches(statement, request),
  )
  if ([...ofIdentity, ...ofResource].some(({ Effect }) => Effect === 'Deny')) return 'denied'
  const allowsIdentity = ofIdentity.length > 0
  const allowsItself = ofResource.some((statement) => isMeant(statement, request) === 'itself')
  const allowsAccount = ofResource.some((statement) => isMeant(statement, request) === 'account')
  const isAllowed = allowsItself || (allowsIdentity && (key === undefined || allowsAccount))
  return isAllowed ? 'allowed' : 'denied'
}

/** Is a resource's statement about this principal: itself (or everybody), its account, or another? */
function isMeant({ Principal, Effect }: Statement, { principal, account }: Request): 'itself' | 'account' | 'no' {
  if (Principal === '*') return 'itself'
  if (Principal === undefined) throw new Error('a statement of a resource has no principal')
  const named = Object.values(Principal).flat()
  if (named.includes('*') || named.includes(principal)) return 'itself'
  const isOurs =
    principal.startsWith('arn:') && named.some((one) => one === account || one.endsWith(`::${account}:root`))
  return isOurs ? (Effect === 'Deny' ? 'itself' : 'account') : 'no'
}

function matches(statement: Statement, { action, resource, context }: Request): boolean {
  for (const element of Object.keys(statement))
    if (!ELEMENTS.has(element)) throw new Error(`a statement has an element that is not known: ${element}`)
  const { Action, NotAction, Resource, NotResource, Condition = {} } = statement
  const isAction = (patterns: string | readonly string[]): boolean =>
    list(patterns).some((pattern) => isLike(action.toLowerCase(), pattern.toLowerCase()))
  const isResource = (patterns: string | readonly string[]): boolean =>
    list(patterns).some((pattern) => isLike(resource, pattern))
  if (Action === undefined ? NotAction === undefined || isAction(NotAction) : !isAction(Action)) return false
  if (Resource === undefined ? NotResource === undefined || isResource(NotResource) : !isResource(Resource))
    return false
  return Object.entries(Condition).every(([operator, keys]) =>
    Object.entries(keys).every(([name, wanted]) => holds(operator, name, list(wanted), context)),
  )
}

function holds(written: string, name: string, wanted: readonly string[], context: Request['context']): boolean {
  const [, quantifier, operator = '', ifExists] =
    /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/.exec(written) ?? []
  // Names of condition keys have no case, but for what stands in an encryption context.
  const found = Object.entries(context).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1]
  if (operator === 'Null') return wanted.some((one) => (one === 'true') === (found === undefined))
  const given = found === undefined ? [] : list(found)
  const test = (value: string): boolean => isTrue(operator, value, wanted)
  if (quantifier === 'ForAllValues') return given.every(test)
  if (quantifier === 'ForAnyValue') return given.some(test)
  // A "not" holds of what is not there; everything else does not, unless it says IfExists.
  if (given.length === 0) return ifExists !== undefined || operator.includes('Not')
  if (given.length > 1) throw new Error(`${name} has several values, and the condition says neither all nor any`)
  return test(given[0] ?? '')
}

function isTrue(operator: string, value: string, wanted: readonly string[]): boolean {
  switch (operator) {
    case 'StringEquals':
    case 'Bool':
      return wanted.includes(value)
    case 'StringNotEquals':
      return !wanted.includes(value)
    case 'StringLike':
    case 'ArnLike':
    case 'ArnEquals':
      return wanted.some((pattern) => isLike(value, pattern))
    case 'StringNotLike':
    case 'ArnNotLike':
    case 'ArnNotEquals':
      return !wanted.some((pattern) => isLike(value, pattern))
    default:
      throw new Error(`a condition has an operator that is not known: ${operator}`)
  }
}

/** `*` any characters, slashes and colons too; `?` one. */
function isLike(value: string, pattern: string): boolean {
  const parts = pattern
    .split(/([*?])/)
    .map((part) => (part === '*' ? '.*' : part === '?' ? '.' : part.replaceAll(/[\\^$.|()[\]{}+]/g, String.raw`\$&`)))
  return new RegExp(`^${parts.join('')}$`, 's').test(value)
}

function list(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value
}
