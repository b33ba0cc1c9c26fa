/**
 * The functions' place in Nebari's network: a security group, and by choice subnets of our own with a NAT gateway or endpoints, and an access point to the homes. It takes
 * Nebari's VPC, subnets and file system by their ids, makes no file system, and changes nothing that Nebari owns: no route, no rule, no policy. So one thing is left to a
 * person: the mount targets' security group must let ours in on port 2049 (or name one of Nebari's under `network.securityGroups`).
 */
import { attribute, ref, sub } from './cloudformation.ts'
import type { Resource, Resources, Value } from './cloudformation.ts'
import type { NetworkSettings } from './aws-settings-schema.ts'
import type { Plan } from './plan.ts'

const NFS_PORT = 2049
const HTTPS_PORT = 443
const ANYWHERE = '0.0.0.0/0'

export interface Place {
  readonly securityGroupIds: readonly Value[]
  readonly subnetIds: readonly Value[]
}

/** Where the functions run that read sources; undefined: outside of any network of ours. */
export function placeOf({ aws }: Plan): Place | undefined {
  const { network } = aws
  if (network === undefined) return undefined
  return {
    securityGroupIds: network.securityGroups ?? [attribute('SecurityGroup', 'GroupId')],
    subnetIds:
      network.egress === 'existing' ? network.subnets : network.ownSubnets.map((_one, index) => ref(subnetId(index))),
  }
}

export function network(plan: Plan): Resources {
  const { aws } = plan
  if (aws.network === undefined) return {}
  return {
    ...(aws.network.securityGroups === undefined ? { SecurityGroup: securityGroup(plan, aws.network) } : {}),
    ...(aws.network.egress === 'existing' ? {} : ownSubnets(plan, aws.network)),
    ...(aws.network.egress === 'nat' ? natGateway(plan, aws.network.publicSubnet) : {}),
    ...(aws.network.egress === 'endpoints' ? endpoints(plan, aws.network) : {}),
    ...(plan.mount !== undefined && aws.fileSystem?.accessPoint === undefined
      ? { AccessPoint: accessPoint(plan) }
      : {}),
  }
}

/** The access point that functions mount. */
export function accessPointArn({ aws }: Plan): Value {
  return aws.fileSystem?.accessPoint ?? attribute('AccessPoint', 'Arn')
}

function securityGroup(plan: Plan, { vpc }: NetworkSettings): Resource {
  const mountTargets = plan.aws.fileSystem?.mountTargetSecurityGroup
  const nfs = mountTargets === undefined ? { CidrIp: ANYWHERE } : { DestinationSecurityGroupId: mountTargets }
  return {
    Type: 'AWS::EC2::SecurityGroup',
    Properties: {
      GroupDescription: `Toriki ${plan.deployment}: functions that read Nebari`,
      VpcId: vpc,
      SecurityGroupEgress: [
        rule(HTTPS_PORT, { CidrIp: ANYWHERE }, 'Keycloak and the services of AWS'),
        ...(plan.mount === undefined ? [] : [rule(NFS_PORT, nfs, 'the homes')]),
      ],
      Tags: tags(plan, 'functions'),
    },
  }
}

/** No `CreationInfo`: a path that is not there is not made. Root reads every home; the roles forbid it to write, but that of restore-slice. */
function accessPoint(plan: Plan): Resource {
  return {
    Type: 'AWS::EFS::AccessPoint',
    Properties: {
      FileSystemId: plan.aws.fileSystem?.id ?? '',
      PosixUser: { Uid: '0', Gid: '0' },
      RootDirectory: { Path: '/' },
      AccessPointTags: tags(plan, 'reading the homes'),
    },
  }
}

/** Subnets with a route table of their own, so that no route of Nebari's is touched; S3 by a gateway endpoint, which costs nothing. */
function ownSubnets(plan: Plan, network: Exclude<NetworkSettings, { egress: 'existing' }>): Resources {
  const subnets = network.ownSubnets.flatMap(({ zone, cidr }, index): [string, Resource][] => [
    [
      subnetId(index),
      {
        Type: 'AWS::EC2::Subnet',
        Properties: {
          VpcId: network.vpc,
          AvailabilityZone: zone,
          CidrBlock: cidr,
          MapPublicIpOnLaunch: false,
          Tags: tags(plan, zone),
        },
      },
    ],
    [
      `${subnetId(index)}Routes`,
      {
        Type: 'AWS::EC2::SubnetRouteTableAssociation',
        Properties: { SubnetId: ref(subnetId(index)), RouteTableId: ref('RouteTable') },
      },
    ],
  ])
  return {
    ...Object.fromEntries(subnets),
    RouteTable: { Type: 'AWS::EC2::RouteTable', Properties: { VpcId: network.vpc, Tags: tags(plan, 'functions') } },
    StoreEndpoint: {
      Type: 'AWS::EC2::VPCEndpoint',
      Properties: {
        VpcEndpointType: 'Gateway',
        VpcId: network.vpc,
        ServiceName: sub('com.amazonaws.${AWS::Region}.s3'),
        RouteTableIds: [ref('RouteTable')],
      },
    },
  }
}

function natGateway(plan: Plan, publicSubnet: string): Resources {
  return {
    NatAddress: { Type: 'AWS::EC2::EIP', Properties: { Domain: 'vpc', Tags: tags(plan, 'functions') } },
    NatGateway: {
      Type: 'AWS::EC2::NatGateway',
      Properties: {
        AllocationId: attribute('NatAddress', 'AllocationId'),
        SubnetId: publicSubnet,
        Tags: tags(plan, 'functions'),
      },
    },
    NatRoute: {
      Type: 'AWS::EC2::Route',
      Properties: {
        RouteTableId: ref('RouteTable'),
        DestinationCidrBlock: ANYWHERE,
        NatGatewayId: ref('NatGateway'),
      },
    },
  }
}

/** Private names hold for the whole VPC, so everybody in it is let in: what Nebari's own pods ask of these services goes on working. */
function endpoints(plan: Plan, network: Extract<NetworkSettings, { egress: 'endpoints' }>): Resources {
  const group: Resource = {
    Type: 'AWS::EC2::SecurityGroup',
    Properties: {
      GroupDescription: `Toriki ${plan.deployment}: endpoints of AWS services`,
      VpcId: network.vpc,
      SecurityGroupIngress: [rule(HTTPS_PORT, { CidrIp: network.vpcCidr }, 'everybody in this VPC')],
      Tags: tags(plan, 'endpoints'),
    },
  }
  const secrets = [...plan.secrets, ...plan.restoreSecrets]
  const services = [
    'sqs',
    'kms',
    ...(plan.topic === undefined ? [] : ['sns']),
    ...(secrets.some((one) => one.startsWith('aws-sm:')) ? ['secretsmanager'] : []),
    ...(secrets.some((one) => one.startsWith('aws-ssm:')) ? ['ssm'] : []),
  ]
  const made = services.map((service): [string, Resource] => [
    `${service.charAt(0).toUpperCase()}${service.slice(1)}Endpoint`,
    {
      Type: 'AWS::EC2::VPCEndpoint',
      Properties: {
        VpcEndpointType: 'Interface',
        VpcId: network.vpc,
        ServiceName: sub(`com.amazonaws.\${AWS::Region}.${service}`),
        PrivateDnsEnabled: true,
        SubnetIds: network.ownSubnets.map((_one, index) => ref(subnetId(index))),
        SecurityGroupIds: [attribute('EndpointSecurityGroup', 'GroupId')],
      },
    },
  ])
  return { EndpointSecurityGroup: group, ...Object.fromEntries(made) }
}

function subnetId(index: number): string {
  return `Subnet${index + 1}`
}

function rule(port: number, peer: Readonly<Record<string, Value>>, description: string): Value {
  return { IpProtocol: 'tcp', FromPort: port, ToPort: port, ...peer, Description: description }
}

function tags({ deployment }: Plan, what: string): Value {
  return [{ Key: 'Name', Value: `toriki-${deployment}: ${what}` }]
}
