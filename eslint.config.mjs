import tseslint from 'typescript-eslint'

export default tseslint.config(
  {
    ignores: [
      'node_modules',
      'rust-engine/target',
      'dist',
      '.state',
      '.native',
      '.cache',
      'schemas/generated',
      '**/*.mjs',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      'no-console': 'error',
    },
  },
  {
    // node:test returns promises that its runner awaits.
    files: ['**/*.test.ts'],
    rules: { '@typescript-eslint/no-floating-promises': 'off' },
  },
  {
    // One-shot commands speak to a person.
    files: [
      'schemas/generate.ts',
      'infra/**/*.ts',
      'evaluate/**/*.ts',
      'integration-tests/benches/**/*.ts',
      'integration-tests/soak/**/*.ts',
      'adapters/cli/**/*.ts',
    ],
    rules: { 'no-console': 'off' },
  },
)
