/** The stand-in's authentication flows as they are kept, and those that a realm begins with. */
import { fixedId } from '../fixed-id.ts'

export interface DemoStep {
  readonly id: string
  requirement: string
  priority: number
  readonly provider?: string
  /** Id of the flow within. */
  readonly flow?: string
  config?: string
}
export interface DemoFlow {
  readonly id: string
  alias: string
  description: string | null
  readonly providerId: string
  readonly topLevel: boolean
  readonly builtIn: boolean
  steps: DemoStep[]
}
export interface DemoConfig {
  readonly id: string
  alias: string
  config: Record<string, string>
}

interface Made {
  readonly provider?: string
  readonly requirement: string
  readonly flow?: string
  readonly steps?: readonly Made[]
  readonly config?: { readonly alias: string; readonly values: Record<string, string> }
}
const FLOWS: Readonly<Record<string, { readonly builtIn: boolean; readonly steps: readonly Made[] }>> = {
  'first broker login': {
    builtIn: true,
    steps: [
      {
        ...{ provider: 'idp-review-profile', requirement: 'REQUIRED' },
        config: { alias: 'review profile config', values: { 'update.profile.on.first.login': 'missing' } },
      },
      {
        ...{ flow: 'User creation or linking', requirement: 'REQUIRED' },
        steps: [
          { provider: 'idp-create-user-if-unique', requirement: 'ALTERNATIVE' },
          {
            ...{ flow: 'Handle existing account', requirement: 'ALTERNATIVE' },
            steps: [{ provider: 'idp-confirm-link', requirement: 'REQUIRED' }],
          },
        ],
      },
    ],
  },
  browser: {
    builtIn: true,
    steps: [
      { provider: 'auth-cookie', requirement: 'ALTERNATIVE' },
      {
        ...{ flow: 'forms', requirement: 'ALTERNATIVE' },
        steps: [{ provider: 'auth-username-password-form', requirement: 'REQUIRED' }],
      },
    ],
  },
  'direct grant': { builtIn: true, steps: [{ provider: 'direct-grant-validate-username', requirement: 'REQUIRED' }] },
  'lab browser': {
    builtIn: false,
    steps: [
      {
        ...{ provider: 'identity-provider-redirector', requirement: 'ALTERNATIVE' },
        config: { alias: 'to github', values: { defaultProvider: 'github' } },
      },
    ],
  },
}
/** Room between steps. */
const STEP = 10

export class DemoFlows {
  readonly flows = new Map<string, DemoFlow>()
  readonly configs = new Map<string, DemoConfig>()

  constructor(seed: string) {
    for (const [alias, { builtIn, steps }] of Object.entries(FLOWS)) this.add(seed, alias, true, builtIn, steps)
  }

  named(alias: string): DemoFlow | undefined {
    return [...this.flows.values()].find((flow) => flow.alias === alias)
  }

  holding(step: string): { readonly flow: DemoFlow; readonly step: DemoStep } | undefined {
    for (const flow of this.flows.values()) {
      const found = flow.steps.find(({ id }) => id === step)
      if (found !== undefined) return { flow, step: found }
    }
    return undefined
  }

  /** Its id. */
  add(seed: string, alias: string, topLevel: boolean, builtIn: boolean, steps: readonly Made[]): string {
    const id = fixedId(seed, 'flow', alias)
    const description = topLevel ? `Flow ${alias}` : ''
    const flow: DemoFlow = { ...{ id, alias, description, providerId: 'basic-flow', topLevel, builtIn }, steps: [] }
    this.flows.set(id, flow)
    for (const [index, { provider, requirement, flow: inner, steps: below = [], config }] of steps.entries()) {
      const configId = config && fixedId(seed, 'config', config.alias)
      if (config !== undefined && configId !== undefined)
        this.configs.set(configId, { id: configId, alias: config.alias, config: { ...config.values } })
      flow.steps.push({
        ...{ id: fixedId(seed, 'execution', alias, String(index)), requirement, priority: index * STEP },
        ...(provider === undefined ? {} : { provider }),
        ...(inner === undefined ? {} : { flow: this.add(seed, inner, false, builtIn, below) }),
        ...(configId === undefined ? {} : { config: configId }),
      })
    }
    return id
  }
}
