const ts = require('typescript')

module.exports = {
  process: (source, file) => {
    const compilerOptions = {
      target: 'ES2022',
      module: 'ESNext',
      verbatimModuleSyntax: true,
      inlineSourceMap: true,
    }
    return { code: ts.transpileModule(source, { fileName: file, compilerOptions }).outputText }
  },
}
