/** Every attribute of an object, searchable. */
import { useQuery } from '@tanstack/react-query';
import { useDeferredValue, useMemo, useState } from 'react';
import { number } from '../../format.ts';
import { failureText, useText } from '../../text.ts';
import { SideDrawer } from '../../ui/Dialog.tsx';
import type { InstanceRef } from '../viewer/loading/dicomweb.ts';
import { headerLines, searchLines, tagText } from './attributes.ts';
import { useHeader } from './useHeader.ts';

/** More are in the list, but not on the page at once: a search finds them. */
const SHOWN = 400;

/** The dictionary is large, so it comes when it is needed. */
const useNames = () =>
  useQuery({
    queryKey: ['attribute-names'],
    queryFn: async () => {
      const { TAG } = await import('../../../dicom/dictionary.generated.ts');
      return new Map(
        Object.entries(TAG).map(([keyword, tag]) => [
          tag.toString(16).padStart(8, '0').toUpperCase(),
          keyword,
        ]),
      );
    },
    staleTime: Infinity,
  });

export function HeaderTable({ instance }: { instance: InstanceRef }) {
  const { t, language } = useText();
  const header = useHeader(instance);
  const names = useNames();
  const [question, setQuestion] = useState('');
  const asked = useDeferredValue(question);
  const lines = useMemo(
    () => (header.data && names.data ? headerLines(header.data, (tag) => names.data.get(tag) ?? '') : []),
    [header.data, names.data],
  );
  const found = useMemo(() => searchLines(lines, asked), [lines, asked]);
  if (header.isError || names.isError)
    return <p role="alert">{failureText(t, header.error ?? names.error)}</p>;
  return (
    <div className="header-table">
      <input
        type="search"
        className="field"
        value={question}
        placeholder={t('objects.headerSearch')}
        aria-label={t('objects.headerSearch')}
        onChange={(event) => setQuestion(event.currentTarget.value)}
      />
      <p className="faint small" role="status">
        {found.length > SHOWN
          ? t('objects.headerFirst', { shown: number(SHOWN, language), count: found.length })
          : t('objects.headerCount', { count: found.length })}
      </p>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('objects.tag')}</th>
            <th scope="col">{t('objects.attribute')}</th>
            <th scope="col">{t('objects.value')}</th>
          </tr>
        </thead>
        <tbody>
          {found.slice(0, SHOWN).map((line) => (
            <tr key={line.path}>
              <td className="num faint" style={{ paddingInlineStart: 8 + line.depth * 12 }} title={line.path}>
                {tagText(line.tag)} <small>{line.vr}</small>
              </td>
              <td lang="en">{line.name || (line.private ? t('objects.private') : '')}</td>
              <td>
                <bdi>{line.value}</bdi>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function HeaderDrawer({
  instance,
  title,
  onClose,
}: {
  instance: InstanceRef | null;
  title: string;
  onClose: () => void;
}) {
  const { t } = useText();
  return (
    <SideDrawer
      opened={instance !== null}
      onClose={onClose}
      title={t('objects.headerOf', { what: title })}
      width={760}
    >
      {instance && <HeaderTable instance={instance} />}
    </SideDrawer>
  );
}
