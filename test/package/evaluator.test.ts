/** The evaluator of policies that the tests of roles stand on: what AWS documents of each rule, one by one. */
import { expect, test } from '@jest/globals'
import { evaluate } from '../kit/iam/evaluate.ts'
import type { Request, Statement } from '../kit/iam/evaluate.ts'

const account = '111122223333'
const principal = `arn:aws:iam::${account}:role/reader`
const request: Request = {
  action: 's3:GetObject',
  resource: 'arn:aws:s3:::bucket/a/b',
  principal,
  account,
  context: { 'aws:SecureTransport': 'true', 's3:tag': 'red' },
}
const allow: Statement = { Effect: 'Allow', Action: 's3:Get*', Resource: 'arn:aws:s3:::bucket/*' }
const deny: Statement = { ...allow, Effect: 'Deny' }
const account_: Statement = { ...allow, Principal: { AWS: `arn:aws:iam::${account}:root` } }
/** A statement of the identity alone. */
const one = (statement: Partial<Statement>, more: Partial<Request> = {}): string =>
  evaluate({ ...request, ...more }, { identity: [{ ...allow, ...statement }] })
const under = (Condition: NonNullable<Statement['Condition']>, context: Request['context'] = request.context): string =>
  one({ Condition }, { context })

test('nothing is allowed that nobody allows', () => {
  expect(evaluate(request, { identity: [] })).toBe('denied')
  expect(evaluate(request, { identity: [allow] })).toBe('allowed')
})

test('a Deny wins, wherever it stands', () => {
  expect(evaluate(request, { identity: [allow, deny] })).toBe('denied')
  expect(evaluate(request, { identity: [allow], resource: [{ ...deny, Principal: '*' }] })).toBe('denied')
  expect(evaluate(request, { identity: [allow], resource: [{ ...deny, Principal: { AWS: `${principal}s` } }] })).toBe(
    'allowed',
  )
})

test('a bucket may allow a principal itself; an account that it allows leaves it to the identity', () => {
  expect(evaluate(request, { identity: [], resource: [{ ...allow, Principal: { AWS: principal } }] })).toBe('allowed')
  expect(evaluate(request, { identity: [], resource: [account_] })).toBe('denied')
  expect(evaluate(request, { identity: [allow], resource: [account_] })).toBe('allowed')
})

test('a key must allow, itself or its account', () => {
  expect(evaluate(request, { identity: [allow], key: [] })).toBe('denied')
  expect(evaluate(request, { identity: [allow], key: [account_] })).toBe('allowed')
  expect(evaluate(request, { identity: [], key: [account_] })).toBe('denied')
  expect(evaluate(request, { identity: [], key: [{ ...allow, Principal: { AWS: principal } }] })).toBe('allowed')
})

test('actions have no case, resources have; stars go over slashes, a question mark is one character', () => {
  expect(one({ Action: 'S3:getOBJECT' })).toBe('allowed')
  expect(one({ Resource: 'arn:aws:s3:::BUCKET/*' })).toBe('denied')
  expect(one({ Resource: 'arn:aws:s3:::bucket/*b' })).toBe('allowed')
  expect(one({ Resource: 'arn:aws:s3:::bucket/a/?' })).toBe('allowed')
  expect(one({ Resource: 'arn:aws:s3:::bucket/?' })).toBe('denied')
  expect(one({ Resource: 'arn:aws:s3...bucket/*' })).toBe('denied')
})

test('NotAction and NotResource mean all the others', () => {
  const { Action: _action, ...noAction } = allow
  expect(evaluate(request, { identity: [{ ...noAction, NotAction: 's3:Put*' }] })).toBe('allowed')
  expect(evaluate(request, { identity: [{ ...noAction, NotAction: 's3:Get*' }] })).toBe('denied')
  const { Resource: _resource, ...noResource } = allow
  expect(evaluate(request, { identity: [{ ...noResource, NotResource: 'arn:aws:s3:::bucket/*' }] })).toBe('denied')
})

test('all operators of a condition hold, and all keys, and one of the values', () => {
  expect(under({ StringEquals: { 's3:tag': ['blue', 'red'] } })).toBe('allowed')
  expect(under({ StringEquals: { 's3:tag': 'red', 's3:other': 'x' } })).toBe('denied')
  expect(under({ StringEquals: { 's3:tag': 'red' }, Bool: { 'aws:SecureTransport': 'false' } })).toBe('denied')
  expect(under({ StringLike: { 's3:tag': 'r*' } })).toBe('allowed')
  expect(under({ StringEquals: { 's3:tag': 'r*' } })).toBe('denied')
})

test('what is not there fulfils a "not", IfExists and Null, and nothing else', () => {
  expect(under({ StringEquals: { 's3:other': 'x' } })).toBe('denied')
  expect(under({ StringNotEquals: { 's3:other': 'x' } })).toBe('allowed')
  expect(under({ StringEqualsIfExists: { 's3:other': 'x' } })).toBe('allowed')
  expect(under({ StringEqualsIfExists: { 's3:tag': 'x' } })).toBe('denied')
  expect(under({ Null: { 's3:other': 'true' } })).toBe('allowed')
  expect(under({ Null: { 's3:tag': 'true' } })).toBe('denied')
  expect(under({ Null: { 's3:tag': 'false' } })).toBe('allowed')
  expect(under({ ArnNotLike: { 'aws:PrincipalArn': '*' } })).toBe('allowed')
})

test('of several values all or any, as the condition says', () => {
  const context = { tags: ['a', 'b'] }
  expect(under({ 'ForAnyValue:StringEquals': { tags: 'a' } }, context)).toBe('allowed')
  expect(under({ 'ForAllValues:StringEquals': { tags: 'a' } }, context)).toBe('denied')
  expect(under({ 'ForAllValues:StringLike': { tags: ['a', 'b*'] } }, context)).toBe('allowed')
  expect(under({ 'ForAnyValue:StringEquals': { tags: 'a' } }, {})).toBe('denied')
  expect(under({ 'ForAllValues:StringEquals': { tags: 'a' } }, {})).toBe('allowed')
  expect(() => under({ StringEquals: { tags: 'a' } }, context)).toThrow('several values')
})

test('an encryption context is a condition like others', () => {
  const context = { 'kms:EncryptionContext:purpose': 'content' }
  expect(under({ StringEquals: { 'kms:EncryptionContext:purpose': 'tree' } }, context)).toBe('denied')
  expect(under({ StringEquals: { 'kms:EncryptionContext:purpose': ['tree', 'content'] } }, context)).toBe('allowed')
})

test('what is not known is not passed over', () => {
  expect(() => under({ NumericLessThan: { 's3:tag': '1' } })).toThrow('NumericLessThan')
  expect(() => one({ Sometimes: true } as Partial<Statement>)).toThrow('Sometimes')
  expect(() => evaluate(request, { identity: [], resource: [allow] })).toThrow('no principal')
})
