/** Rows of a table in the components' order, which is that of restoring. */
import { componentNames } from '../../resources/component-name.ts'

export function byComponent<Row extends readonly [component: string, ...rest: readonly unknown[]]>(
  rows: readonly Row[],
): readonly Row[] {
  const place = ([name]: Row): number => (componentNames as readonly string[]).indexOf(name)
  return rows.toSorted((a, b) => place(a) - place(b))
}
