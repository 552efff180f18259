using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MixtralVk.Gpu.Extensions;
using Silk.NET.Core;
using Silk.NET.Vulkan;

namespace MixtralVk.Gpu;

/// <summary>The Vulkan loader and its devices. Thread-safe after creation; dispose it after the devices made from it.</summary>
public sealed unsafe class GpuInstance : IDisposable
{
    private const string ValidationLayer = "VK_LAYER_KHRONOS_validation";

    private readonly DebugUtilsMessengerEXT _messenger;
    private readonly bool _ownsHandle;
    private GCHandle _self;
    private bool _disposed;

    private GpuInstance(GpuOptions options)
    {
        Options = options;
        Vk = VulkanLoader.Load();
        try
        {
            if (options.Validation && !HasValidationLayer())
                throw new GpuException($"{ValidationLayer} is not installed; install the Vulkan validation layers or turn validation off.");
            bool debug = (options.Validation || options.DebugNames) && HasInstanceExtension(ExtDebugUtils.ExtensionName);
            Handle = Create(debug);
            _ownsHandle = true;
            using Vk first = Vk;   // unloading the loader library under a living instance would be the end
            Vk = VulkanLoader.Load(Handle, replace: options.ReplaceCommand);
            if (debug && ExtDebugUtils.TryLoad(Vk, Handle) is { } utils)
            {
                DebugUtils = utils;
                if (options.Validation)
                {
                    _self = GCHandle.Alloc(this);
                    _messenger = CreateMessenger(utils);
                }
            }
            Adapters = Enumerate();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private GpuInstance(nint host, GpuOptions options)
    {
        Options = options;
        Handle = new Instance(host);
        Vk = VulkanLoader.Load(Handle, replace: options.ReplaceCommand);
        // Present only when the host enabled the extension.
        if (options.DebugNames) DebugUtils = ExtDebugUtils.TryLoad(Vk, Handle);
    }

    /// <summary>The devices the loader knows, software drivers included; may be empty.</summary>
    public IReadOnlyList<GpuAdapter> Adapters { get; } = [];

    internal GpuOptions Options { get; }

    internal Vk Vk { get; }

    internal Instance Handle { get; }

    /// <summary>Names and labels; null when neither was asked for.</summary>
    internal ExtDebugUtils? DebugUtils { get; }

    /// <summary>
    /// Opens the Vulkan loader. Throws <see cref="NoVulkanException"/> when there is none on this machine or it is older than Vulkan 1.3.
    /// </summary>
    public static GpuInstance Create(GpuOptions? options = null) => new(options ?? new GpuOptions());

    /// <summary>Uses the instance of a host, which stays the host's.</summary>
    internal static GpuInstance Attach(nint instance, GpuOptions options) => new(instance, options);

    private Instance Create(bool debug)
    {
        uint version = Vk.Version10;
        try
        {
            Vk.EnumerateInstanceVersion(&version).ThrowOnError("vkEnumerateInstanceVersion");
        }
        catch (EntryPointNotFoundException)
        {
            // A loader of Vulkan 1.0 has no such function.
        }
        if (version < Vk.Version13)
            throw new NoVulkanException("The Vulkan loader is older than 1.3; install a newer driver, or run on the CPU.");

        using var name = new Utf8("MixtralVk");
        using var layer = new Utf8(ValidationLayer);
        using var debugUtils = new Utf8(ExtDebugUtils.ExtensionName);
        byte* layerName = layer, extensionName = debugUtils;
        var application = new ApplicationInfo(pApplicationName: name, pEngineName: name, apiVersion: Vk.Version13);

        ValidationFeatureEnableEXT* enables = stackalloc ValidationFeatureEnableEXT[]
        {
            ValidationFeatureEnableEXT.SynchronizationValidationExt, ValidationFeatureEnableEXT.GpuAssistedExt,
        };
        var validation = new ValidationFeaturesEXT(enabledValidationFeatureCount: Options.GpuAssistedValidation ? 2u : 1u,
            pEnabledValidationFeatures: enables);
        var info = new InstanceCreateInfo(pApplicationInfo: &application, pNext: Options.Validation ? &validation : null,
            enabledLayerCount: Options.Validation ? 1u : 0u, ppEnabledLayerNames: &layerName,
            enabledExtensionCount: debug ? 1u : 0u, ppEnabledExtensionNames: &extensionName);
        Instance instance;
        Vk.CreateInstance(&info, null, &instance).ThrowOnError("vkCreateInstance");
        return instance;
    }

    private GpuAdapter[] Enumerate()
    {
        uint count = 0;
        Result result = Vk.EnumeratePhysicalDevices(Handle, &count, null);
        // The loader without any driver answers so; it means an empty list.
        if (result == Result.ErrorInitializationFailed || count == 0) return [];
        result.ThrowOnError("vkEnumeratePhysicalDevices");
        PhysicalDevice* devices = stackalloc PhysicalDevice[(int)count];
        Vk.EnumeratePhysicalDevices(Handle, &count, devices).ThrowOnError("vkEnumeratePhysicalDevices");
        var adapters = new GpuAdapter[count];
        for (int i = 0; i < adapters.Length; i++) adapters[i] = new GpuAdapter(this, devices[i]);
        return adapters;
    }

    private bool HasValidationLayer()
    {
        uint count = 0;
        Vk.EnumerateInstanceLayerProperties(&count, null).ThrowOnError("vkEnumerateInstanceLayerProperties");
        var layers = new LayerProperties[count];
        fixed (LayerProperties* p = layers)
        {
            Vk.EnumerateInstanceLayerProperties(&count, p).ThrowOnError("vkEnumerateInstanceLayerProperties");
            for (int i = 0; i < layers.Length; i++) if (Utf8.ToString(p[i].LayerName) == ValidationLayer) return true;
        }
        return false;
    }

    private bool HasInstanceExtension(string name)
    {
        uint count = 0;
        Vk.EnumerateInstanceExtensionProperties((byte*)null, &count, null).ThrowOnError("vkEnumerateInstanceExtensionProperties");
        var extensions = new ExtensionProperties[count];
        fixed (ExtensionProperties* p = extensions)
        {
            Vk.EnumerateInstanceExtensionProperties((byte*)null, &count, p).ThrowOnError("vkEnumerateInstanceExtensionProperties");
            for (int i = 0; i < extensions.Length; i++) if (Utf8.ToString(p[i].ExtensionName) == name) return true;
        }
        return false;
    }

    private DebugUtilsMessengerEXT CreateMessenger(ExtDebugUtils utils)
    {
        var info = new DebugUtilsMessengerCreateInfoEXT(
            messageSeverity: DebugUtilsMessageSeverityFlagsEXT.WarningBitExt | DebugUtilsMessageSeverityFlagsEXT.ErrorBitExt,
            messageType: DebugUtilsMessageTypeFlagsEXT.ValidationBitExt | DebugUtilsMessageTypeFlagsEXT.PerformanceBitExt,
            pfnUserCallback: new PfnDebugUtilsMessengerCallbackEXT(&OnMessage), pUserData: (void*)GCHandle.ToIntPtr(_self));
        DebugUtilsMessengerEXT messenger;
        utils.CreateDebugUtilsMessenger(Handle, &info, null, &messenger).ThrowOnError("vkCreateDebugUtilsMessengerEXT");
        return messenger;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static Bool32 OnMessage(DebugUtilsMessageSeverityFlagsEXT severity, DebugUtilsMessageTypeFlagsEXT type,
        DebugUtilsMessengerCallbackDataEXT* data, void* user)
    {
        if (GCHandle.FromIntPtr((nint)user).Target is GpuInstance self) self.Options.OnMessage?.Invoke(Utf8.ToString(data->PMessage));
        return false;
    }

    /// <summary>Closes the instance.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        if (_messenger.Handle != 0) DebugUtils!.DestroyDebugUtilsMessenger(Handle, _messenger, null);
        if (_ownsHandle) Vk.DestroyInstance(Handle, null);
        Vk.Dispose();
        if (_self.IsAllocated) _self.Free();
    }
}
