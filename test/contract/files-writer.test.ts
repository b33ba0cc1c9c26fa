import { describeWriter } from './component-writer.ts'
import { openHome, waysToWrite } from './files-writer.ts'

for (const way of waysToWrite) describeWriter(`files by ${way.name}`, () => openHome(way))
