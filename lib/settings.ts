/** Settings: `toriki.yaml` as the contract has it. Parsed by a schema, references resolved; the only room that reads the environment. */

export interface Settings {
  /** The file they came from, for messages. */
  readonly file: string
  readonly deployment: string
  readonly store: { readonly folder: string } | { readonly s3: S3Settings }
  readonly keys: { readonly keyring: string } | { readonly kms: { readonly key: string; readonly region?: string; readonly endpoint?: string }; readonly bucket?: string }
  readonly queue: { readonly sqlite: string } | { readonly sqs: { readonly prefix: string; readonly region?: string; readonly endpoint?: string } }
  readonly workers: 'here' | 'functions'
  readonly regions?: readonly string[]
  readonly components: ComponentSettings
  readonly schedule?: { readonly cron: string; readonly timezone: string }
  readonly alarms: { readonly rpoMs?: number; readonly command?: string }
  readonly limits: {
    readonly parallel: number
    readonly attempts: number
    readonly shrink: number
    readonly requestsPerSecond: Readonly<Record<string, number>>
    readonly bytesPerSecond: Readonly<Record<string, number>>
  }
}

export interface S3Settings {
  readonly bucket: string
  readonly prefix: string
  readonly region?: string
  readonly endpoint?: string
}

export interface ComponentSettings {
  readonly keycloak?: KeycloakSettings
  readonly files?: FilesSettings
}

export interface KeycloakSettings {
  /** With the base path, without a trailing slash. */
  readonly url: string
  readonly realm: string
  readonly login: { readonly client: string; readonly secret: string } | { readonly username: string; readonly password: string; readonly adminRealm: string }
  readonly credentials?: { readonly postgres: string } | { readonly export: string }
  /** PEM of a private CA, when one is configured. */
  readonly ca?: string
  readonly requestsPerSecond: number
}

export interface FilesSettings {
  readonly root: string
  /** `home/{user}`. */
  readonly home?: string
  /** `shared/{group}`. */
  readonly group?: string
  readonly exclude: readonly string[]
  readonly excludeDefaults: boolean
  readonly bytesPerSecond?: number
}
