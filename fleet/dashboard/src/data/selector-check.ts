import { useDebouncedValue } from '@mantine/hooks';
import { api, checkSelector, type SelectorCheck, type SelectorProblem, type SelectorVocabulary } from '@starling/shared';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { apiClient } from './api-client.ts';
import { read } from './queries.ts';

const PAUSE_MS = 300;

export interface SelectorState {
  vocabulary: SelectorVocabulary | undefined;
  /** What is wrong with the text as it stands; undefined for none, and for an empty one. */
  problem: SelectorProblem | undefined;
  /** How many devices the text selects; undefined until the fleet has said so of this very text. */
  counts: SelectorCheck | undefined;
}

/**
 * Checks a selector while it is written: names and grammar at once, here; how many devices it means by the fleet, when the typing pauses.
 * @param group that it is for, so that a circle of groups is told
 */
export function useSelectorCheck(text: string, group?: string): SelectorState {
  const vocabulary = useQuery({ ...read('selectorVocabulary', {}), staleTime: 30_000 }).data;
  const own = text.trim() === '' ? undefined : checkSelector(text, { groups: vocabulary?.groups });
  const [asked] = useDebouncedValue(text, PAUSE_MS);
  const isSettled = asked === text && text.trim() !== '' && own === undefined;
  const checked = useQuery({
    queryKey: ['checkSelector', asked, group],
    queryFn: () => apiClient.call(api.checkSelector, { body: { select: asked, ...(group === undefined ? {} : { group }) } }),
    enabled: isSettled,
    placeholderData: keepPreviousData,
  });
  const counts = isSettled && !checked.isPlaceholderData ? checked.data : undefined;
  if (own !== undefined) return { vocabulary, problem: own, counts: undefined };
  const told = counts?.problem ?? undefined;
  if (told === undefined) return { vocabulary, problem: undefined, counts };
  const { message, start, end, hint } = told;
  return { vocabulary, problem: { message, range: { start, end }, ...(hint === undefined ? {} : { hint }) }, counts: undefined };
}
