namespace Silk.NET.Vulkan;

/// <summary>An extension's class: made without reflection from the addresses of its commands.</summary>
internal interface IVkExtension<T>
    where T : class, IVkExtension<T>
{
    /// <summary>The extension, or null where a command of it is missing (the extension is not enabled).</summary>
    static abstract T? TryCreate(CommandSource source);
}
