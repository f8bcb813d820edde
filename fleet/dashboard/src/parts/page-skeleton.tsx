import { SimpleGrid, Skeleton, Stack } from '@mantine/core';

/** Stands in for a page that is on its way. */
export function PageSkeleton() {
  return (
    <Stack aria-busy="true">
      <Skeleton height={34} width="40%" />
      <SimpleGrid cols={{ base: 2, md: 4 }}>
        {['a', 'b', 'c', 'd'].map((key) => (
          <Skeleton key={key} height={96} radius="md" />
        ))}
      </SimpleGrid>
      <Skeleton height={280} radius="md" />
    </Stack>
  );
}
