using BindingsGen;

namespace MixtralVk.Gpu.Tests.Vulkan;

/// <summary>BindingsGen's names against those Silk.NET.Vulkan 2.22 has.</summary>
public sealed class NamesTests
{
    private static readonly string[] Authors = ["EXT", "KHR", "NV", "NN", "AMD"];

    [Theory]
    [InlineData("pNext", "PNext")]
    [InlineData("ppEnabledLayerNames", "PpEnabledLayerNames")]
    [InlineData("vendorID", "VendorID")]
    [InlineData("pipelineCacheUUID", "PipelineCacheUuid")]
    [InlineData("deviceLUIDValid", "DeviceLuidvalid")]
    [InlineData("textureCompressionASTC_LDR", "TextureCompressionAstcLdr")]
    [InlineData("textureCompressionBC", "TextureCompressionBC")]
    [InlineData("sparseResidencyImage2D", "SparseResidencyImage2D")]
    [InlineData("integerDotProduct4x8BitPackedSignedAccelerated", "IntegerDotProduct4x8BitPackedSignedAccelerated")]
    public void Fields(string c, string silk) => Assert.Equal(silk, Names.Field(c));

    [Theory]
    [InlineData("VkBufferUsageFlagBits", "VK_BUFFER_USAGE_STORAGE_BUFFER_BIT", "StorageBufferBit")]
    [InlineData("VkAccessFlagBits2", "VK_ACCESS_2_SHADER_STORAGE_READ_BIT", "ShaderStorageReadBit")]
    [InlineData("VkSampleCountFlagBits", "VK_SAMPLE_COUNT_16_BIT", "Count16Bit")]
    [InlineData("VkQueryResultFlagBits", "VK_QUERY_RESULT_64_BIT", "Result64Bit")]
    [InlineData("VkResult", "VK_ERROR_OUT_OF_HOST_MEMORY", "ErrorOutOfHostMemory")]
    [InlineData("VkFormat", "VK_FORMAT_R32G32B32A32_SFLOAT", "R32G32B32A32Sfloat")]
    [InlineData("VkDebugUtilsMessageSeverityFlagBitsEXT", "VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT", "ErrorBitExt")]
    [InlineData("VkStructureType", "VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES", "PhysicalDeviceIDProperties")]
    [InlineData("VkStructureType", "VK_STRUCTURE_TYPE_DEVICE_QUEUE_GLOBAL_PRIORITY_CREATE_INFO_KHR", "DeviceQueueGlobalPriorityCreateInfoKhr")]
    public void EnumValues(string type, string c, string silk) => Assert.Equal(silk, Names.EnumValue(type, c, Authors));

    [Theory]
    [InlineData("vkCreateBuffer", "CreateBuffer")]
    [InlineData("vkSetDebugUtilsObjectNameEXT", "SetDebugUtilsObjectName")]
    [InlineData("vkQueueSubmit2", "QueueSubmit2")]
    public void Commands(string c, string silk) => Assert.Equal(silk, Names.Command(c, Authors));

    [Theory]
    [InlineData("VK_EXT_debug_utils", "ExtDebugUtils")]
    [InlineData("VK_KHR_pipeline_executable_properties", "KhrPipelineExecutableProperties")]
    public void ExtensionClasses(string c, string silk) => Assert.Equal(silk, Names.ExtensionClass(c));
}
