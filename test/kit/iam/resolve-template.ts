/** A template's intrinsic functions replaced by what CloudFormation would put there, with ids of an account that is nobody's. Unknown ones throw. */
import { parse } from 'yaml'
import type { Tags } from 'yaml'

export const ACCOUNT = '111122223333'
export const REGION = 'eu-central-1'

export interface Template {
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly Properties: Readonly<Record<string, unknown>> }>
  >
  readonly Parameters?: Readonly<Record<string, { readonly Default?: unknown }>>
  readonly Conditions?: Readonly<Record<string, unknown>>
}

const PSEUDO: Readonly<Record<string, unknown>> = {
  'AWS::Partition': 'aws',
  'AWS::Region': REGION,
  'AWS::AccountId': ACCOUNT,
  'AWS::URLSuffix': 'amazonaws.com',
  'AWS::StackName': 'stack',
  'AWS::NoValue': undefined,
}

/** The resources that are made with these parameters, without any intrinsic function. */
export function resolveTemplate(
  template: Template,
  parameters: Readonly<Record<string, unknown>> = {},
): Template['Resources'] {
  const given = (name: string): unknown => {
    if (name in PSEUDO) return PSEUDO[name]
    if (name in parameters) return parameters[name]
    if (template.Parameters?.[name] !== undefined) return template.Parameters[name].Default
    if (template.Resources[name] === undefined) throw new Error(`nothing is called ${name}`)
    return refOf(name)
  }
  const refOf = (id: string): unknown => {
    const properties = (template.Resources[id]?.Properties ?? {}) as Record<string, unknown>
    const type = template.Resources[id]?.Type
    if (type === 'AWS::SNS::Topic') return attributeOf(id, 'Arn')
    const name = properties['BucketName'] ?? properties['QueueName'] ?? properties['RoleName'] ?? id
    return resolve(name)
  }
  const attributeOf = (id: string, attribute: string): unknown => {
    const resource = template.Resources[id]
    if (resource === undefined) throw new Error(`nothing is called ${id}`)
    const { Type, Properties } = resource
    const named = (member: string): string => String(resolve(Properties[member]))
    const place = `${REGION}:${ACCOUNT}`
    if (attribute !== 'Arn' && attribute !== 'TopicArn') return `${id}.${attribute}`
    switch (Type) {
      case 'AWS::SQS::Queue':
        return `arn:aws:sqs:${place}:${named('QueueName')}`
      case 'AWS::SNS::Topic':
        return `arn:aws:sns:${place}:${named('TopicName')}`
      case 'AWS::S3::Bucket':
        return `arn:aws:s3:::${named('BucketName')}`
      case 'AWS::IAM::Role':
        return `arn:aws:iam::${ACCOUNT}:role/${named('RoleName')}`
      case 'AWS::KMS::Key':
        return `arn:aws:kms:${place}:key/${id}`
      case 'AWS::Lambda::Function':
        return `arn:aws:lambda:${place}:function:${named('FunctionName')}`
      case 'AWS::EFS::AccessPoint':
        return `arn:aws:elasticfilesystem:${place}:access-point/${id}`
      default:
        throw new Error(`the ARN of a ${Type} is not known`)
    }
  }
  const condition = (value: unknown): boolean => {
    if (typeof value === 'string') return condition(template.Conditions?.[value])
    const [name, operands] = Object.entries(value as Record<string, unknown[]>)[0] ?? []
    if (name === 'Fn::Equals') return resolve(operands?.[0]) === resolve(operands?.[1])
    if (name === 'Fn::Not') return !condition(operands?.[0])
    if (name === 'Fn::And') return (operands ?? []).every(condition)
    if (name === 'Fn::Or') return (operands ?? []).some(condition)
    if (name === 'Condition') return condition(operands)
    throw new Error(`a condition is not known: ${name}`)
  }
  const resolve = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(resolve).filter((one) => one !== undefined)
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value)
    const [name, operand] = entries[0] ?? []
    if (entries.length === 1 && name === 'Ref') return given(String(operand))
    if (entries.length === 1 && name === 'Fn::GetAtt') {
      const [id = '', attribute = ''] = typeof operand === 'string' ? operand.split('.') : (operand as string[])
      return attributeOf(id, attribute)
    }
    if (entries.length === 1 && name === 'Fn::Sub')
      return String(operand).replaceAll(/\$\{([^}]+)\}/g, (_all, what: string) => {
        const [id = '', attribute] = what.split('.')
        return String(attribute === undefined ? given(what) : attributeOf(id, attribute))
      })
    if (entries.length === 1 && name === 'Fn::Join') {
      const [separator, parts] = operand as [string, unknown[]]
      return parts.map(resolve).join(separator)
    }
    if (entries.length === 1 && name === 'Fn::If') {
      const [test, yes, no] = operand as [string, unknown, unknown]
      return resolve(condition(test) ? yes : no)
    }
    if (name?.startsWith('Fn::') === true) throw new Error(`an intrinsic function is not known: ${name}`)
    return Object.fromEntries(
      entries.map(([key, member]) => [key, resolve(member)] as const).filter(([, member]) => member !== undefined),
    )
  }
  const made = Object.entries(template.Resources).filter(([, resource]) => {
    const only = (resource as { readonly Condition?: string }).Condition
    return only === undefined || condition(only)
  })
  return resolveAll(made, resolve)
}

function resolveAll(
  resources: readonly (readonly [string, Template['Resources'][string]])[],
  resolve: (value: unknown) => unknown,
): Template['Resources'] {
  return Object.fromEntries(
    resources.map(([id, { Type, Properties }]) => [
      id,
      { Type, Properties: resolve(Properties ?? {}) as Record<string, unknown> },
    ]),
  )
}

/** A template in YAML, with the short forms of its functions. */
export function parseTemplate(text: string): Template {
  const short = (tag: string, long: string): object[] => [
    { tag: `!${tag}`, resolve: (value: string) => ({ [long]: value }) },
    {
      tag: `!${tag}`,
      collection: 'seq',
      resolve: (value: { toJSON(): unknown }) => ({ [long]: value.toJSON() }),
    },
  ]
  const customTags = [
    ...short('Ref', 'Ref'),
    ...short('Condition', 'Condition'),
    ...['GetAtt', 'Sub', 'If', 'Equals', 'Not', 'And', 'Or', 'Join'].flatMap((tag) => short(tag, `Fn::${tag}`)),
  ]
  return parse(text, { customTags: customTags as Tags }) as Template
}
