import { type InfiniteData, useInfiniteQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { t } from "../app/i18n";
import { Button } from "./Button";
import { NotLoaded } from "./NotLoaded";
import { useDebounced } from "./useDebounced";

/** A page of something, and where the next one begins. */
interface Page {
  readonly next?: string;
}

interface Search<P extends Page> {
  /** Under which name, with what is searched for, the pages are kept. */
  readonly queryKey: readonly string[];
  /** Asks for a page. */
  readonly ask: (q: string, after: string | undefined) => Promise<P>;
  /** How long pages are as good as new, in milliseconds. */
  readonly staleTime?: number;
}

/** What is searched for, page by page. */
export function usePagedSearch<P extends Page>({ queryKey, ask, staleTime }: Search<P>) {
  const [query, setQuery] = useState("");
  const q = useDebounced(query.trim());
  const found = useInfiniteQuery<P, Error, InfiniteData<P>, readonly string[], string | undefined>({
    queryKey: [...queryKey, q],
    queryFn: ({ pageParam }) => ask(q, pageParam),
    initialPageParam: undefined,
    getNextPageParam: (page) => page.next,
    ...(staleTime === undefined ? {} : { staleTime }),
  });
  return {
    query,
    setQuery,
    /** What was asked for last. */
    q,
    pages: found.data?.pages ?? [],
    found,
    hasMore: found.hasNextPage,
    isLoadingMore: found.isFetchingNextPage,
    loadMore: () => void found.fetchNextPage(),
  };
}

interface Props {
  readonly search: ReturnType<typeof usePagedSearch>;
  /** What is searched for, in words. */
  readonly label: string;
  /** What is said where nothing was found. */
  readonly none: ReactNode;
  /** Whether nothing was found. */
  readonly isEmpty: boolean;
  /** The list of what was found. */
  readonly children: ReactNode;
}

/** A field to search with, what was found, and a button for more of it. */
export function PagedSearch({ search, label, none, isEmpty, children }: Props) {
  return (
    <>
      <input
        className="input"
        type="search"
        placeholder={label}
        aria-label={label}
        value={search.query}
        onChange={({ currentTarget }) => search.setQuery(currentTarget.value)}
      />
      {children}
      <NotLoaded query={search.found} />
      {search.found.isSuccess && isEmpty && none}
      {search.hasMore && (
        <Button isDisabled={search.isLoadingMore} onPress={search.loadMore}>
          {t("Show more")}
        </Button>
      )}
    </>
  );
}
