import { writeFile } from 'node:fs/promises'
import ts from 'typescript'

/** Writes docs/api/ops.md, the list of ops: the functions of src/ops/index.ts with the first sentence of their comments. */
const { config } = ts.readConfigFile('tsconfig.build.json', ts.sys.readFile)
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, '.')
const program = ts.createProgram(['src/ops/index.ts'], options)
const checker = program.getTypeChecker()
const source = program.getSourceFile('src/ops/index.ts') as ts.SourceFile

const folders = new Map<string, string[]>()
for (const found of checker.getExportsOfModule(checker.getSymbolAtLocation(source) as ts.Symbol)) {
  const symbol = found.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(found) : found
  const declaration = symbol.declarations?.[0]
  if (!declaration || !ts.isFunctionDeclaration(declaration)) continue
  const [, folder] = /src\/ops\/(\w+)\//.exec(declaration.getSourceFile().fileName) ?? []
  const [first] = declaration.parameters
  if (folder === undefined || first?.name.getText() !== 'graph') continue
  const text = ts.displayPartsToString(symbol.getDocumentationComment(checker)).replace(/\s+/g, ' ')
  const sentence = /^.*?[.](?= [A-Z]|$)/.exec(text)?.[0] ?? text
  const row = `| [\`${found.name}\`](engine.md#${found.name.toLowerCase()}) | ${sentence.replaceAll('|', '\\|')} |`
  folders.set(folder, [...(folders.get(folder) ?? []), row])
}

const TITLES: Readonly<Record<string, string>> = {
  conv: 'Convolutions',
  flow: 'Flow',
  image: 'Pictures',
  mesh: 'Meshes',
  tensor: 'Tensors',
}
const parts = [...folders].map(
  ([folder, rows]) => `## ${TITLES[folder] ?? folder}\n\n| op | what |\n|---|---|\n${rows.join('\n')}\n`,
)
await writeFile('docs/api/ops.md', `# Ops of \`deepfaceflow/engine\`\n\n${parts.join('\n')}`)
