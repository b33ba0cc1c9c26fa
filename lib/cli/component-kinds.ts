/** The kinds that keys of a component can begin with, so that a written key is understood without opening the component. */
import { knownKinds } from '../components/registry.ts'
import { TorikiError } from '../errors.ts'
import { componentNames } from '../resources/component-name.ts'

/** @throws TorikiError `usage` for a component that does not exist. */
export function kindsOf(component: string): readonly string[] {
  const name = componentNames.find((one) => one === component)
  if (name === undefined)
    throw new TorikiError('usage', {
      message: `There is no component ${component}; there are ${componentNames.join(', ')}.`,
    })
  return knownKinds[name]
}
