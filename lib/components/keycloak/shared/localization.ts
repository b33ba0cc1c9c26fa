/** Texts that the admin changed, one resource per locale, a field per text. */
import { localesSchema, textsSchema } from '../answers.ts'
import { cleanObject } from '../clean-json.ts'
import type { SharedKind } from './shared-kind.ts'

export const localizationKind: SharedKind = {
  kind: 'localization',
  async read(reader) {
    const { realm } = reader.client.settings
    const locales = await reader.ask({
      right: 'view-realm',
      schema: localesSchema,
      request: (admin) => admin.realms.getRealmSpecificLocales({ realm }),
    })
    return Promise.all(
      locales
        .filter((locale) => reader.wants([locale]))
        .map(async (selectedLocale) => {
          const texts = await reader.ask({
            right: 'view-realm',
            schema: textsSchema,
            request: (admin) => admin.realms.getRealmLocalizationTexts({ realm, selectedLocale }),
          })
          return { segments: [selectedLocale], body: { texts: cleanObject(texts) } }
        }),
    )
  },
}
