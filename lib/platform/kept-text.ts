/** Texts that the cloud keeps for us: secrets, and whole documents. Each is asked for once per process: a changed one is seen by the next process. */

export interface KeptText {
  readonly service: 'aws-sm' | 'aws-ssm'
  /** A name, or an ARN. */
  readonly name: string
  /** Absent: the one that the machine is set to. */
  readonly region?: string
}

const kept = new Map<string, Promise<string>>()

/** The supplier's SDK is loaded by the first call. @throws TorikiError `reference-unresolved`, with the name and never a part of the text. */
export async function readKeptText(text: KeptText): Promise<string> {
  const name = `${text.service}:${text.name}`
  const asked = kept.get(name) ?? ask(text)
  kept.set(name, asked)
  try {
    return await asked
  } catch (error) {
    // Asked again by the next: what failed may be mended meanwhile.
    kept.delete(name)
    throw error
  }
}

async function ask({ service, ...text }: KeptText): Promise<string> {
  if (service === 'aws-sm') return await (await import('./secrets-manager/aws.ts')).readSecret(text)
  return await (await import('./parameter-store/aws.ts')).readParameter(text)
}
