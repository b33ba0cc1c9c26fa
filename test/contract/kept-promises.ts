/** For a server that does not keep every promise of a contract: its exceptions are named with their reasons, and are proven to be exceptions. */
import { test as jestTest } from '@jest/globals'

type Body = () => Promise<void>

export interface PromiseTest {
  (title: string, body: Body): void
  readonly each: typeof jestTest.each
}

/** `exceptions`: title → why this server does otherwise. Such a test is run and must fail, so that an exception that is none any more shows. */
export function keptPromises(exceptions: Readonly<Record<string, string>>): PromiseTest {
  const one = (title: string, body: Body): void => {
    const reason = exceptions[title]
    if (reason === undefined) jestTest(title, body)
    else jestTest.failing(`not kept here (${reason}): ${title}`, body)
  }
  return Object.assign(one, { each: jestTest.each })
}
