import {
  Extension,
  ExtensionProperty,
  type IProperty,
  type Material,
  PropertyType,
  type WriterContext,
} from '@gltf-transform/core'

const NAME = 'KHR_materials_unlit'

/** Marks a material; has no values of its own. */
class Unlit extends ExtensionProperty<IProperty> {
  static override readonly EXTENSION_NAME = NAME
  declare extensionName: typeof NAME
  declare propertyType: 'Unlit'
  declare parentTypes: [PropertyType.MATERIAL]

  protected init(): void {
    this.extensionName = NAME
    this.propertyType = 'Unlit'
    this.parentTypes = [PropertyType.MATERIAL]
  }
}

/**
 * glTF's KHR_materials_unlit. @gltf-transform/extensions has it too, among four megabytes of others.
 */
export class UnlitMaterials extends Extension {
  static override readonly EXTENSION_NAME = NAME
  override readonly extensionName = NAME

  /** Viewers that know the extension will show the material's base colour as it is. */
  mark(material: Material): void {
    material.setExtension(NAME, new Unlit(this.document.getGraph()))
  }

  override read(): this {
    return this
  }

  override write({ jsonDoc, materialIndexMap }: WriterContext): this {
    for (const material of this.document.getRoot().listMaterials()) {
      const index = materialIndexMap.get(material)
      const written = index === undefined ? undefined : jsonDoc.json.materials?.[index]
      if (written === undefined || material.getExtension(NAME) === null) continue
      written.extensions = { ...written.extensions, [NAME]: {} }
    }
    return this
  }
}
