/** The environment of a child: that of this process, and what is set beside it. */
export function childEnvironment(beside: Readonly<Record<string, string | undefined>>): NodeJS.ProcessEnv {
  return { ...process.env, ...beside };
}

/** Where suites of one run keep what they all begin with; undefined outside of a run. */
export function seedsFolder(): string | undefined {
  return process.env.STARLING_TEST_SEEDS;
}

/** For this process and those that it starts from now on. */
export function setSeedsFolder(folder: string): void {
  process.env.STARLING_TEST_SEEDS = folder;
}
