/**
 * The schema of `toriki-aws.yaml`, beside `toriki.yaml`: what only the functions on AWS need to know, such as Nebari's network. Nothing in it is secret, and nothing that
 * `toriki.yaml` says already stands in it.
 */
import * as z from 'zod'

const id = (prefix: string): z.ZodString =>
  z
    .string(`must be a text such as ${prefix}-0123456789abcdef0`)
    .regex(new RegExp(`^${prefix}-[0-9a-f]{8,17}$`), `must be an id such as ${prefix}-0123456789abcdef0`)
const cidr = z
  .string()
  .regex(/^[0-9]{1,3}(\.[0-9]{1,3}){3}\/[0-9]{1,2}$/, 'must be a block of addresses such as 10.10.240.0/24')
const arnOf = (service: string): z.ZodString =>
  z.string().regex(new RegExp(`^arn:aws[a-z-]*:${service}:`), `must be an ARN of ${service}`)
const whole = (least: number, most: number): z.ZodNumber =>
  z
    .int(`must be a whole number from ${least} to ${most}`)
    .min(least, `must be a whole number from ${least} to ${most}`)
    .max(most, `must be a whole number from ${least} to ${most}`)
const memory = (megabytes: number): z.ZodDefault<z.ZodNumber> => whole(128, 10_240).default(megabytes)

const securityGroups = z.array(id('sg')).min(1, 'must name at least one').max(5)
const network = z.discriminatedUnion(
  'egress',
  [
    // The subnets have a way out already, or need none.
    z.strictObject({
      egress: z.literal('existing'),
      vpc: id('vpc'),
      subnets: z.array(id('subnet')).min(1, 'must name at least one').max(16),
      securityGroups: securityGroups.optional(),
    }),
    // Subnets of our own, and a NAT gateway in a public one of Nebari's.
    z.strictObject({
      egress: z.literal('nat'),
      vpc: id('vpc'),
      ownSubnets: z
        .array(z.strictObject({ zone: z.string().min(1), cidr }))
        .min(1, 'must have at least one')
        .max(6),
      publicSubnet: id('subnet'),
      securityGroups: securityGroups.optional(),
    }),
    // Subnets of our own that reach AWS's services and nothing else.
    z.strictObject({
      egress: z.literal('endpoints'),
      vpc: id('vpc'),
      vpcCidr: cidr,
      ownSubnets: z
        .array(z.strictObject({ zone: z.string().min(1), cidr }))
        .min(1, 'must have at least one')
        .max(6),
      securityGroups: securityGroups.optional(),
    }),
  ],
  'needs `egress`: existing, nat or endpoints',
)

export const awsSettingsSchema = z.strictObject(
  {
    deploymentId: z
      .string('needs the id of the deployment, which `toriki init` made; it stands in the object deployment/1')
      .regex(/^[a-z2-7]{26}$/, 'must be the 26 letters and digits that stand as `id` in the object deployment/1'),
    region: z
      .string()
      .regex(/^[a-z]{2}(-[a-z]+)+-[0-9]$/, 'must be a region such as eu-central-1')
      .optional(),
    architecture: z.enum(['arm64', 'x86_64'], 'must be arm64 or x86_64').default('arm64'),
    tracing: z.boolean('must be true or false').default(false),
    logRetentionDays: z
      .union(
        [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731].map((days) => z.literal(days)),
        'must be a number of days that CloudWatch knows: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731',
      )
      .default(30),
    memoryMb: z
      .strictObject({
        schedule: memory(1024),
        'backup-slice': memory(2048),
        'settle-run': memory(1024),
        'dead-letter': memory(512),
        'replay-run': memory(1024),
        'plan-restore': memory(2048),
        'restore-slice': memory(2048),
        'prune-slice': memory(1024),
        'compact-slice': memory(1024),
        doctor: memory(1024),
      })
      .prefault({}),
    /** People worked on at once; in a backup, in the plan of a restore and in a restore each. */
    concurrency: whole(2, 1000).default(10),
    reserveConcurrency: z.boolean('must be true or false').default(true),
    /** Where the functions find `toriki.yaml`. */
    settingsFrom: z
      .string()
      .regex(/^(package|aws-ssm:.+|aws-sm:.+)$/, 'must be package, aws-ssm:NAME or aws-sm:SECRET')
      .default('package'),
    /** Keys of KMS that encrypt the secrets and parameters; absent: AWS's own. */
    secretKeys: z.array(arnOf('kms')).default([]),
    network: network.optional(),
    fileSystem: z
      .strictObject({
        id: id('fs'),
        mountTargetSecurityGroup: id('sg').optional(),
        accessPoint: arnOf('elasticfilesystem').optional(),
      })
      .optional(),
    alarmEmails: z.array(z.email('must be an address of e-mail')).default([]),
    upgradeTrigger: z.boolean('must be true or false').default(false),
    /** Who may take the roles prune, check and restore; absent: whom the account's administrators allow to. */
    maintainers: z.array(arnOf('(iam|sts)')).default([]),
  },
  'must be a map; see infra/README.md',
)

export type AwsSettings = z.infer<typeof awsSettingsSchema>
export type NetworkSettings = z.infer<typeof network>
