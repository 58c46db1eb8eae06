/** What is no image on the light box: a document is read, everything else is called by its name and shows its header. */
import { failureText, useText } from '../../text.ts';
import type { InstanceRef } from '../viewer/loading/dicomweb.ts';
import { text } from '../viewer/loading/dicomweb.ts';
import { HeaderTable } from './Header.tsx';
import { KeysView } from './KeysView.tsx';
import type { Kind } from './kinds.ts';
import { PdfView } from './PdfView.tsx';
import type { SrReference } from './sr.ts';
import { SrView } from './SrView.tsx';
import { useHeader } from './useHeader.ts';
import { VideoView } from './VideoView.tsx';

export default function ObjectView(props: {
  instance: InstanceRef;
  kind: Kind;
  title: string;
  openerOf: (reference: SrReference) => (() => void) | undefined;
  refOf: (sopInstanceUid: string) => InstanceRef | undefined;
}) {
  const { t } = useText();
  const { instance, kind, title } = props;
  const header = useHeader(instance);
  if (header.isPending) return <p className="stage-note">{t('objects.loading')}</p>;
  if (header.isError)
    return (
      <p className="stage-note" role="alert">
        {failureText(t, header.error)}
      </p>
    );
  const metadata = header.data;
  if (kind === 'video')
    return <VideoView key={instance.sopInstanceUid} instance={instance} metadata={metadata} />;
  return (
    <article className="object" data-kind={kind} tabIndex={0} aria-label={title}>
      {kind === 'pdf' ? (
        <PdfView
          key={instance.sopInstanceUid}
          metadata={metadata}
          title={text(metadata, '00420010') ?? title}
        />
      ) : kind === 'sr' ? (
        <SrView metadata={metadata} openerOf={props.openerOf} />
      ) : kind === 'keys' ? (
        <KeysView metadata={metadata} openerOf={props.openerOf} refOf={props.refOf} />
      ) : (
        <>
          <h2>{title}</h2>
          <p className="object-word">
            {t(`objects.cannot.${kind}`, { defaultValue: t('objects.cannot.other') })}
          </p>
          <HeaderTable instance={instance} />
        </>
      )}
    </article>
  );
}
