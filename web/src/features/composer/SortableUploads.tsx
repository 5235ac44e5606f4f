import { Button, DropIndicator, GridList, GridListItem, useDragAndDrop } from "react-aria-components";
import { t } from "../../app/i18n";
import { Icon } from "../../ui/Icon";
import { InLanguage } from "../../ui/InLanguage";
import { UploadCard } from "./UploadCard";
import { move, type Upload } from "./uploads";

interface Props {
  readonly room: string;
  readonly list: readonly Upload[];
}

/** Files that can be put in another order, with a pointer or with the keyboard. */
export default function SortableUploads({ room, list }: Props) {
  const { dragAndDropHooks } = useDragAndDrop({
    getItems: (keys) => [...keys].map((key) => ({ [KIND]: String(key) })),
    acceptedDragTypes: [KIND],
    getAllowedDropOperations: () => ["move"],
    onReorder: ({ keys, target }) => {
      const index = list.findIndex(({ key }) => key === target.key);
      for (const key of keys) move(room, String(key), target.dropPosition === "after" ? index + 1 : index);
    },
    renderDropIndicator: (target) => <DropIndicator target={target} className="upload-place" />,
  });
  return (
    <InLanguage>
      <GridList
        className="uploads"
        layout="grid"
        aria-label={t("Files of this message")}
        keyboardNavigationBehavior="tab"
        items={list}
        // Which card is drawn how depends on its neighbours.
        dependencies={[list]}
        dragAndDropHooks={dragAndDropHooks}
      >
        {(upload) => (
          <GridListItem
            id={upload.key}
            className="upload"
            data-state={upload.state.kind}
            textValue={upload.file.name}
          >
            <UploadCard
              upload={upload}
              index={list.indexOf(upload)}
              count={list.length}
              handle={
                <Button
                  slot="drag"
                  className="upload-handle"
                  aria-label={t("Drag {name}", { name: upload.file.name })}
                >
                  <Icon name="grip" size={16} />
                </Button>
              }
            />
          </GridListItem>
        )}
      </GridList>
    </InLanguage>
  );
}

/** What is dragged: nothing that any other place would take. */
const KIND = "application/x-hubbub-upload";
