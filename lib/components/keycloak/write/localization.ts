/** Texts of one locale. All at once when it is made; then text by text, each of which may be gone already. A text may have a secret's name. */
import type { Change } from '../../../resources/change.ts'
import type { JsonObject } from '../../../resources/json.ts'
import { membersOf, openSecrets, standing, withSecrets } from './member-change.ts'
import { notTaken, send, sendWell } from './send.ts'
import { will } from './work.ts'
import type { KindWriter, Work } from './work.ts'

export const localizationWriter: KindWriter = {
  kind: 'localization',

  foresee(_work, { after }) {
    return Promise.resolve(will(after?.state))
  },

  async apply(work, change, [locale = ''], live) {
    const now = await standing(change, change.after?.state, live)
    if (now.kind === 'done') return now.applied
    const place = ['localization', locale]
    if (now.kind === 'remove') await remove(work, place)
    else {
      const [has, wants] = [textsOf(live?.state ?? {}, live?.secrets ?? {}), await wantedTexts(change)]
      const changed = Object.fromEntries(Object.entries(wants).filter(([name, text]) => has[name] !== text))
      if (now.kind === 'make' || Object.keys(changed).length > 0)
        await sendWell(work.client, { method: 'POST', path: place, body: changed, right: 'manage-realm' }, work.signal)
      for (const name of Object.keys(has)) if (!Object.hasOwn(wants, name)) await remove(work, [...place, name])
    }
    return { kind: 'applied', complete: false }
  },
}

async function wantedTexts({ after }: Change): Promise<JsonObject> {
  return textsOf(after?.state ?? {}, after === undefined ? {} : await openSecrets(after))
}

function textsOf(state: JsonObject, secrets: Readonly<Record<string, string>>): JsonObject {
  return membersOf(withSecrets({ texts: {}, ...state }, secrets)['texts'])
}

async function remove({ client, signal }: Work, path: readonly string[]): Promise<void> {
  const sent = await send(client, { method: 'DELETE', path, right: 'manage-realm' }, signal)
  if (sent !== 'done' && sent !== 'missing') throw notTaken(sent)
}
