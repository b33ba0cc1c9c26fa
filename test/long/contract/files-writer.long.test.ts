/** The writer's contract over real homes, cut off before every single write. */
import { describeWriter } from '../../contract/component-writer.ts'
import { openHome, waysToWrite } from '../../contract/files-writer.ts'

for (const way of waysToWrite) describeWriter(`files by ${way.name}`, () => openHome(way), { cutOffs: 'all' })
