/** What a query gives, its skeleton while it loads, and its failure in words. */
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { failureText, useText } from '../text.ts';
import { RowsSkeleton } from '../ui/Skeleton.tsx';

export function Listed<T>({
  query,
  children,
}: {
  query: UseQueryResult<T>;
  children: (data: T) => ReactNode;
}) {
  const { t } = useText();
  if (query.isPending) return <RowsSkeleton rows={4} />;
  if (query.isError) {
    return (
      <p role="alert" className="muted">
        {failureText(t, query.error)}
      </p>
    );
  }
  return children(query.data);
}
